//! Everyone we call: mediad, WhatsApp, the callbacks of flows.

pub mod callback;
pub mod mediad;
pub mod whatsapp;
