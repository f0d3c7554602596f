//! Whether WhatsApp lets us call a user (call_permissions, whatsapp-calling.md §1.2).

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::Millis;

/// What Meta says about calling one user from one number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Permission {
    /// How it stands.
    pub status: PermissionStatus,
    /// When a temporary one ends.
    #[schema(required)]
    pub expires_at: Option<Millis>,
    /// A call may be placed now.
    pub can_call: bool,
    /// When the next call may be placed, if a limit is reached.
    #[schema(required)]
    pub call_again_at: Option<Millis>,
    /// The user may be asked now.
    pub can_ask: bool,
    /// When the user may be asked again, if a limit is reached.
    #[schema(required)]
    pub ask_again_at: Option<Millis>,
}

/// How the permission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PermissionStatus {
    /// The user has not permitted calls, or WhatsApp does not say.
    None,
    /// For seven days.
    Temporary,
    /// Until the user takes it back.
    Permanent,
}

impl Permission {
    /// Reads Meta's answer. What is missing is a no: nobody is called by mistake.
    pub fn read(said: &Value) -> Self {
        let permission = said.get("permission").unwrap_or(&Value::Null);
        let status = match permission.get("status").and_then(Value::as_str) {
            Some("temporary") => PermissionStatus::Temporary,
            Some("permanent") => PermissionStatus::Permanent,
            _ => PermissionStatus::None,
        };
        let expires = ["expiration_time", "expiration"].into_iter().find_map(|name| moment(permission, name));
        let (can_call, call_again_at) = action(said, "start_call");
        let (can_ask, ask_again_at) = action(said, "send_call_permission_request");
        Self { status, expires_at: expires, can_call, call_again_at, can_ask, ask_again_at }
    }
}

fn action(said: &Value, name: &str) -> (bool, Option<Millis>) {
    let actions = said.get("actions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some(action) = actions.iter().find(|action| action.get("action_name").and_then(Value::as_str) == Some(name))
    else {
        return (false, None);
    };
    let can = action.get("can_perform_action").and_then(Value::as_bool).unwrap_or_default();
    let limits = action.get("limits").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    (can, limits.iter().filter_map(|limit| moment(limit, "limit_expiration_time")).max())
}

/// Seconds since 1970, as a number or as text: Meta does both.
fn moment(value: &Value, name: &str) -> Option<Millis> {
    let found = value.get(name)?;
    let secs = found.as_i64().or_else(|| found.as_str()?.parse().ok())?;
    secs.checked_mul(1_000)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metas_sample_is_read_whole_and_what_is_missing_is_a_no() {
        let said = json!({"permission": {"status": "temporary", "expiration_time": 1_745_343_479}, "actions": [
            {"action_name": "send_call_permission_request", "can_perform_action": true, "limits": []},
            {"action_name": "start_call", "can_perform_action": false, "limits": [
                {"time_period": "PT24H", "max_allowed": 100, "current_usage": 100, "limit_expiration_time": "1745622600"}]}]});
        let read = Permission::read(&said);
        assert_eq!((read.status, read.expires_at), (PermissionStatus::Temporary, Some(1_745_343_479_000)));
        assert_eq!((read.can_ask, read.can_call, read.call_again_at), (true, false, Some(1_745_622_600_000)));
        let nothing = Permission::read(&json!({"permission": {"status": "permanent"}}));
        assert_eq!((nothing.status, nothing.can_call), (PermissionStatus::Permanent, false));
        assert_eq!(Permission::read(&Value::Null).status, PermissionStatus::None);
    }
}
