//! Why Meta said no: its codes as values, each with a sentence for the agent and the log.

use serde_json::Value;

/// An answer that was not a yes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} (code {code}{})", self.sentence(), self.details_in_brackets())]
pub struct Refusal {
    /// HTTP status.
    pub http: u16,
    /// Meta's code; 0 when the body had none.
    pub code: i64,
    /// Meta's subcode, 0 if there is none.
    pub subcode: i64,
    /// Meta's own words.
    pub details: String,
    /// For Meta's support.
    pub trace: String,
}

/// What a code is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Our request was wrong: bad parameter, bad session description, a call that is over.
    Request,
    /// The session description.
    Sdp,
    /// The token is wrong or may not do this.
    Token,
    /// Meta's own trouble, or too many requests: the same request may succeed later.
    Passing,
    /// Calling is off for this number, or blocked.
    CallingOff,
    /// This user cannot or may not be called.
    Callee,
    /// A limit of calls or requests.
    Limit,
    /// Something else.
    Other,
}

impl Refusal {
    /// Reads Meta's error body, however little of it there is.
    pub fn read(http: u16, body: &Value) -> Self {
        let error = body.get("error").unwrap_or(&Value::Null);
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |name: &str| error.get(name).and_then(Value::as_i64).unwrap_or_default();
        let details = error.get("error_data").map(|data| text(data, "details")).unwrap_or_default();
        Self {
            http,
            code: number("code"),
            subcode: number("error_subcode"),
            details: if details.is_empty() { text(error, "message") } else { details },
            trace: text(error, "fbtrace_id"),
        }
    }

    /// What it is about.
    pub fn cause(&self) -> Cause {
        match self.code {
            190 | 10 | 200..=299 => Cause::Token,
            138_008 => Cause::Sdp,
            1 | 2 | 4 | 613 | 80_007 | 130_429 | 138_002 | 138_004 | 138_005 => Cause::Passing,
            131_044 | 131_055 | 138_000 | 138_013 | 138_014 | 138_015 | 138_018 => Cause::CallingOff,
            131_026 | 131_030 | 138_001 | 138_003 | 138_006 | 138_017 => Cause::Callee,
            138_009 | 138_011 | 138_012 => Cause::Limit,
            100 => Cause::Request,
            _ if self.http >= 500 || self.http == 429 => Cause::Passing,
            _ if self.http == 401 || self.http == 403 => Cause::Token,
            _ => Cause::Other,
        }
    }

    /// The same request may succeed in a moment.
    pub fn is_passing(&self) -> bool {
        self.cause() == Cause::Passing
    }

    /// The call has moved on already: what a repeated `accept` hears when the first one worked. The code for it is not
    /// documented (whatsapp-calling.md §5.8), so this reads Meta's words, and only a repeat may rely on it.
    pub fn says_already_done(&self) -> bool {
        let said = self.details.to_ascii_lowercase();
        self.cause() != Cause::Token && (said.contains("already") || said.contains("in progress"))
    }

    /// One sentence for people.
    pub fn sentence(&self) -> &'static str {
        match self.code {
            138_000 => "calling is not enabled for this WhatsApp number",
            138_001 => "this user cannot be called on WhatsApp",
            138_002 => "the number has reached its limit of concurrent calls",
            138_003 => "a call with this user is already going on",
            138_004 => "WhatsApp could not connect the call",
            138_005 => "the number has reached its limit of calls",
            138_006 => "this user has not permitted calls",
            138_007 => "the call was not connected in time",
            138_008 => "WhatsApp did not accept the session description",
            138_009 => "the limit of call permission requests is reached",
            138_012 => "the limit of calls to this user is reached",
            138_013 => "calls cannot be started from this number's country",
            138_014 => "calling is blocked for this number for a while",
            138_017 => "this user has permitted calls for good already",
            131_030 => "this user is not on the test number's list",
            131_044 => "WhatsApp has no valid payment method for this number",
            131_055 => "this number is set to SIP at WhatsApp",
            _ => match self.cause() {
                Cause::Token => "WhatsApp did not accept the number's token",
                Cause::Passing => "WhatsApp had a fault of its own",
                Cause::Request => "WhatsApp did not accept the request",
                _ => "WhatsApp refused",
            },
        }
    }

    fn details_in_brackets(&self) -> String {
        if self.details.is_empty() { String::new() } else { format!(": {}", self.details) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metas_richer_error_is_read_with_its_details() {
        let body = serde_json::json!({"error":{"message":"(#138000) Calling API not enabled","type":"OAuthException","code":138000,
            "error_subcode":2494010,"error_data":{"details":"not enabled for this phone number."},"fbtrace_id":"AbC"}});
        let refusal = Refusal::read(401, &body);
        assert_eq!((refusal.cause(), refusal.subcode, refusal.trace.as_str()), (Cause::CallingOff, 2_494_010, "AbC"));
        assert_eq!(
            refusal.to_string(),
            "calling is not enabled for this WhatsApp number (code 138000: not enabled for this phone number.)"
        );
    }

    #[test]
    fn what_may_be_tried_again_is_told_by_code_and_status_never_by_words() {
        let coded =
            |http, code| Refusal::read(http, &serde_json::json!({"error":{"code":code,"message":"x"}})).is_passing();
        assert!(coded(429, 130_429) && coded(500, 0) && coded(503, 2) && coded(400, 4) && coded(500, 138_004));
        assert!(!coded(400, 100) && !coded(401, 190) && !coded(401, 138_006) && !coded(500, 138_007 - 7));
        assert!(Refusal::read(502, &Value::Null).is_passing());
    }
}
