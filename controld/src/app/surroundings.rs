//! What an organisation's flows may refer to: its published flows, its teams, its sounds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, PoisonError};

use audio::clip::Clip;
use tracing::error;

use crate::app::Parts;
use crate::ivr::flow::{Flow, Flows, HousePrompts, Published};
use crate::ivr::lint::{Around, Problem, Severity, lint};
use crate::ivr::node::Kind;
use crate::ivr::parse::parse;
use crate::model::{FlowId, OrgId, TeamId};
use crate::outside::tts::Piper;
use crate::store::StoreError;

/// What an organisation's flows may refer to.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Its published flows.
    pub flows: Flows,
    /// Its teams.
    pub teams: BTreeSet<TeamId>,
    /// Its clips and those every organisation may use, by path below `audio_dir`.
    pub clips: BTreeSet<String>,
    /// Paths of its spoken clips, by what they say.
    pub spoken: BTreeMap<String, String>,
    /// Why further words cannot be made into sound.
    pub mute: Option<String>,
}

impl Parts {
    /// What this organisation's flows may refer to, now.
    pub async fn surroundings(&self, org: &OrgId) -> Result<Surroundings, StoreError> {
        let mut flows = Flows::new(HousePrompts::default());
        for (id, version) in self.store.published_flows(org).await? {
            let Some(body) = self.store.flow_version(&id, version).await? else { continue };
            match parse(&body) {
                Ok(flow) => flows.publish(Arc::new(Published { id, version, flow })),
                Err(why) => error!("version {version} of flow {id} cannot be read: {why}"),
            }
        }
        let teams = self.store.teams_of(org).await?.into_iter().map(|team| team.id).collect();
        let mut clips = shared_clips(Path::new(&self.config.calling.audio_dir));
        clips.extend(self.store.clips_of(org).await?.into_iter().map(|clip| clip.place));
        let spoken = self.store.speech_of(org).await?;
        let voice = Piper::find(&self.config.tts.piper_binary, &self.config.tts.piper_model);
        Ok(Surroundings { flows, teams, clips, spoken, mute: voice.err().map(|why| why.to_string()) })
    }

    /// Lengths of the sounds every organisation may use, in milliseconds. Each file is read once.
    pub fn shared_lengths(&self, audio_dir: &Path) -> BTreeMap<String, u64> {
        let mut known = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        for name in shared_clips(audio_dir) {
            if !known.contains_key(&name)
                && let Ok(bytes) = std::fs::read(audio_dir.join(&name))
                && let Ok(clip) = Clip::read(&bytes)
            {
                known.insert(name, clip.duration_ms());
            }
        }
        known.clone()
    }
}

impl Surroundings {
    /// What is wrong with a body, as if it were published now under that id: a flow may jump to itself.
    pub fn check(&mut self, id: &FlowId, flow: &Flow) -> Vec<Problem> {
        self.put(id, flow);
        let around = Around {
            flows: &self.flows,
            teams: Some(&self.teams),
            clips: Some(&self.clips),
            mute: self.mute.as_deref(),
        };
        let mut flow = flow.clone();
        flow.speak(&self.spoken);
        lint(id, &flow, &around)
    }

    /// Makes a body the published one of that id, in here alone.
    pub fn put(&mut self, id: &FlowId, flow: &Flow) -> Arc<Published> {
        let version = self.flows.current(id).map_or(0, |published| published.version).saturating_add(1);
        let mut flow = flow.clone();
        flow.speak(&self.spoken);
        let published = Arc::new(Published { id: id.clone(), version, flow });
        self.flows.publish(Arc::clone(&published));
        published
    }
}

/// A problem that keeps a flow from being published.
pub fn blocks(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}

/// The flows a body jumps to.
pub fn jumps(flow: &Flow) -> impl Iterator<Item = &FlowId> {
    flow.nodes.iter().filter_map(|node| match &node.kind {
        Kind::GotoFlow(goto) => Some(&goto.flow),
        _ => None,
    })
}

/// The house's own sounds and the demo's: at the top of the folder and below `demo/`. What lies deeper is somebody's.
pub fn shared_clips(audio_dir: &Path) -> BTreeSet<String> {
    let mut clips = BTreeSet::new();
    for (folder, before) in [(audio_dir.to_owned(), ""), (audio_dir.join("demo"), "demo/")] {
        let Ok(files) = std::fs::read_dir(folder) else { continue };
        let names = files.take(SHARED_MAX).filter_map(|file| file.ok()?.file_name().into_string().ok());
        clips.extend(names.filter(|name| name.ends_with(".ogg")).map(|name| format!("{before}{name}")));
    }
    clips
}

const SHARED_MAX: usize = 1_000;
