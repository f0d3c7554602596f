-- What the flow editor needs: who changed a draft last, flows put away, and the organisation's own clips.

ALTER TABLE flows ADD COLUMN updated_by TEXT;
ALTER TABLE flows ADD COLUMN archived_at BIGINT;   -- NULL: in use or free for it

CREATE TABLE clips (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organisations(id),
    name TEXT NOT NULL,
    place TEXT NOT NULL UNIQUE,            -- path below audio_dir, as prompts name it
    duration_ms BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    lufs DOUBLE PRECISION NOT NULL,        -- integrated loudness as it is played
    source TEXT NOT NULL,                  -- upload | speech
    words TEXT,                            -- what it says, for speech
    voice TEXT,                            -- who says it, for speech
    created_by TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX clips_by_org ON clips(org_id, name);
CREATE INDEX calls_by_flow ON calls(flow_id, flow_version);
