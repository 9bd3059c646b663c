//! How many workers there are when nobody says: as many as the process may have at a time. A container that may use one core of
//! sixty-four gets one worker, and not sixty-four that wait for each other.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use claimfeed::Api;
use claimfeed::sandbox::Synth;

fn export(folder: &Path) -> PathBuf {
    let export = folder.join("export");
    Synth { beneficiaries: 150, files: 4, ..Synth::new(Api::V2) }.write(&export).unwrap();
    export
}

/// The most workers that `convert` was seen with; `within` runs it.
fn workers(export: &Path, out: &Path, within: &[&str]) -> usize {
    let command = [within, &[env!("CARGO_BIN_EXE_claimfeed"), "convert"]].concat();
    let mut convert = Command::new(command[0]);
    convert.args(&command[1..]).arg(export).arg("-o").arg(out);
    let mut child = convert.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let tasks = PathBuf::from(format!("/proc/{}/task", child.id()));
    let mut most = 0;
    let status = loop {
        for thread in std::fs::read_dir(&tasks).into_iter().flatten().flatten() {
            // By their numbers, from 0: those of an earlier pass may not have ended yet.
            let name = std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
            let number = name.strip_prefix("worker ").and_then(|number| number.trim().parse::<usize>().ok());
            most = most.max(number.map_or(0, |number| number + 1));
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
    };
    assert!(matches!(status.code(), Some(0 | 3)), "{status}");
    assert!(most > 0, "no worker was seen");
    most
}

fn cores() -> usize {
    std::thread::available_parallelism().unwrap().get()
}

#[test]
#[cfg(target_os = "linux")]
fn as_many_workers_as_cores_that_the_process_may_use() {
    let folder = tempfile::tempdir().unwrap();
    let export = export(folder.path());
    assert_eq!(workers(&export, &folder.path().join("all"), &[]), cores());
    let allowed = std::fs::read_to_string("/proc/self/status").unwrap();
    let first = allowed.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    let first = first.split([',', '-']).next().unwrap();
    if Command::new("taskset").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI must have taskset");
        return common::skipped("workers on one core: no taskset; apt-get install util-linux");
    }
    assert_eq!(workers(&export, &folder.path().join("one"), &["taskset", "-c", first]), 1);
}

/// A control group of its own, gone with this.
struct Group(PathBuf);

impl Group {
    /// One that may use one core's time; the reason if there can be none.
    fn of_one_core() -> Result<Group, String> {
        let name = format!("claimfeed-test-{}", std::process::id());
        let (unified, cpu) = (Path::new("/sys/fs/cgroup"), Path::new("/sys/fs/cgroup/cpu"));
        let controllers = std::fs::read_to_string(unified.join("cgroup.subtree_control")).unwrap_or_default();
        let (parent, limits): (_, &[_]) = if controllers.split_whitespace().any(|one| one == "cpu") {
            (unified, &[("cpu.max", "100000 100000")])
        } else if cpu.join("cpu.cfs_quota_us").exists() || cpu.join("cgroup.procs").exists() {
            (cpu, &[("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "100000")])
        } else {
            return Err("no controller for processors under /sys/fs/cgroup".to_string());
        };
        let group = Group(parent.join(name));
        std::fs::create_dir(&group.0).map_err(|error| format!("cannot make a control group: {error}"))?;
        for (file, limit) in limits {
            std::fs::write(group.0.join(file), limit).map_err(|error| format!("cannot set {file}: {error}"))?;
        }
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_containers_limit_counts() {
    if cores() < 2 {
        return common::skipped("a container's limit: this machine has one core anyway");
    }
    let group = match Group::of_one_core() {
        Ok(group) => group,
        Err(why) => return common::skipped(&format!("a container's limit: {why} (wants root)")),
    };
    let folder = tempfile::tempdir().unwrap();
    let export = export(folder.path());
    let procs = group.0.join("cgroup.procs");
    let within = ["sh", "-c", "echo $$ > \"$0\" && exec \"$@\"", procs.to_str().unwrap()];
    assert_eq!(workers(&export, &folder.path().join("limited"), &within), 1);
    eprintln!("with the limit of {}: 1 worker of {}", group.0.display(), cores());
}
