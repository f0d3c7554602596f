//! Everyone we call: mediad, WhatsApp, the callbacks of flows, the speech program.

pub mod callback;
pub mod interfaces;
pub mod mediad;
pub mod tts;
pub mod whatsapp;
