//! The flow of the demo organisation.

/// "Main menu", as the editor would save it. It names the teams `team_sales` and `team_support`.
pub const MAIN_MENU: &str = include_str!("demo.json");
