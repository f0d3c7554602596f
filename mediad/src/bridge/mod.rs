//! Who hears whom, and what is written down of it.
