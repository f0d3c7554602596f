//! The desk from outside: a scripted mediad and a scripted Graph API at its two ends, real tabs, real rows.

mod agents;
mod answering;
mod door;
mod endings;
mod graph;
mod mediad;
mod outgoing;
mod queue;
mod restart;
mod talking;
mod webhooks;
mod world;
