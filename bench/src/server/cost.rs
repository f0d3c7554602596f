//! What a process costs, by the kernel's books, and what it counts itself.

use std::collections::BTreeMap;

/// What a process has used up to now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// CPU time of all its threads, in nanoseconds.
    pub cpu_ns: u64,
    /// CPU time of its first thread: mediad's loop.
    pub loop_ns: u64,
    /// Memory it holds, in kilobytes.
    pub memory_kb: u64,
    /// Times its first thread gave the CPU away by itself: it slept.
    pub sleeps: u64,
    /// Times its first thread was made to.
    pub pushed_off: u64,
}

impl Cost {
    /// Of a process that runs; zeros if it does not.
    pub fn of(pid: u32) -> Self {
        let of_thread =
            |path: &str| -> Option<u64> { std::fs::read_to_string(path).ok()?.split(' ').next()?.parse().ok() };
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let of_task = |task: std::fs::DirEntry| of_thread(task.path().join("schedstat").to_str()?);
        let cpu_ns = tasks.filter_map(of_task).sum();
        let loop_ns = of_thread(&format!("/proc/{pid}/task/{pid}/schedstat")).unwrap_or(0);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        Cost {
            cpu_ns,
            loop_ns,
            memory_kb: value("VmRSS:"),
            sleeps: value("voluntary_ctxt_switches:"),
            pushed_off: value("nonvoluntary_ctxt_switches:"),
        }
    }

    /// What was used since `before`; memory is what is held now.
    pub fn since(self, before: Cost) -> Cost {
        Cost {
            cpu_ns: self.cpu_ns.saturating_sub(before.cpu_ns),
            loop_ns: self.loop_ns.saturating_sub(before.loop_ns),
            memory_kb: self.memory_kb,
            sleeps: self.sleeps.saturating_sub(before.sleeps),
            pushed_off: self.pushed_off.saturating_sub(before.pushed_off),
        }
    }
}

/// mediad's own counters, by name without `mediad_`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counters(BTreeMap<String, f64>);

impl Counters {
    /// Reads the text form of Prometheus.
    pub fn read(text: &str) -> Self {
        let value = |line: &str| {
            let (name, value) = line.strip_prefix("mediad_")?.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Self(text.lines().filter_map(value).collect())
    }

    /// How much one has grown since `before`.
    pub fn grown(&self, before: &Counters, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0) - before.0.get(name).copied().unwrap_or(0.0)
    }

    /// Those that have grown since `before` and whose name begins so, with how much.
    pub fn all_grown(&self, before: &Counters, prefix: &str) -> BTreeMap<String, f64> {
        let names = self.0.keys().filter(|name| name.starts_with(prefix));
        names.map(|name| (name.clone(), self.grown(before, name))).filter(|(_, grown)| *grown > 0.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_costs_something_and_no_process_nothing() {
        let cost = Cost::of(std::process::id());
        assert!(cost.memory_kb > 0 && cost.cpu_ns >= cost.loop_ns);
        assert_eq!(Cost::of(u32::MAX), Cost::default());
    }

    #[test]
    fn counters_are_read_by_name_and_label() {
        let text = "# HELP mediad_legs Legs open.\nmediad_legs 2\nmediad_drops_total{reason=\"replayed\"} 7\n";
        let (before, after) = (Counters::default(), Counters::read(text));
        assert!((after.grown(&before, "legs") - 2.0).abs() < f64::EPSILON);
        assert_eq!(after.all_grown(&before, "drops").len(), 1);
    }
}
