//! Everyone we call: mediad, WhatsApp, the callbacks of flows.

#[cfg(room_outside_callback)]
pub mod callback;
#[cfg(room_outside_mediad)]
pub mod mediad;
#[cfg(room_outside_whatsapp_mod)]
pub mod whatsapp;
