//! Nothing is lost when the program dies: whatever moment it is killed at, the next start brings back a state the user
//! has seen, at most a second old, with its undo history.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use nanotheca::particle::{ClassId, ParticleId};
use nanotheca::project::edit::Edit;
use nanotheca::project::session::{self, Opened};
use nanotheca::project::{MicrographEntry, Project, journal, store};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Rounds of the kill test; `NANOTHECA_KILLS=1000` asks for more.
const KILLS: usize = 300;
/// Rounds on one project, journal and all, before a new one is begun.
const ON_ONE_PROJECT: usize = 15;
/// Tells the program that is killed which project to edit, and with which seed.
const EDITOR: &str = "NANOTHECA_TEST_EDITOR";

fn write_project(folder: &Path) -> PathBuf {
    let mut project = Project::new();
    let image = folder.join("gold.tif");
    fs::write(&image, b"gold").unwrap();
    let size = nanotheca::micrograph::PixelSize::new(0.1 + 0.2, 0.7);
    let entry = MicrographEntry::new(&image, 0, 2000, 1500, size, store::hash_file(&image).unwrap());
    let (_, edit) = project.add_micrograph_edit(entry);
    project.apply(edit).unwrap();
    for class in ["cube", "rod", "sphere"] {
        let (_, edit) = project.add_class_edit(class);
        project.apply(edit).unwrap();
    }
    let path = folder.join("gold.nanotheca");
    store::save(&project, &path).unwrap();
    path
}

fn hash(project: &Project, path: &Path) -> String {
    blake3::hash(store::to_text(project, path).unwrap().as_bytes()).to_hex().to_string()
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()
}

/// What a person might do next.
fn some_edit(project: &mut Project, random: &mut StdRng) -> Option<(String, Edit)> {
    let micrograph = project.micrographs.first()?.id;
    let classes: Vec<ClassId> = project.classes.iter().map(|class| class.id).collect();
    let class = (!classes.is_empty()).then(|| classes[random.random_range(0..classes.len())]);
    let ids: Vec<ParticleId> = project.particles.keys().copied().collect();
    let some = |random: &mut StdRng| {
        let count = random.random_range(1..=5.min(ids.len().max(1)));
        let mut picked: Vec<_> =
            (0..count).filter_map(|_| ids.get(random.random_range(0..ids.len().max(1)))).collect();
        picked.sort();
        picked.dedup();
        picked.into_iter().copied().collect::<Vec<_>>()
    };
    let at = |random: &mut StdRng| (random.random_range(0.0..1999.0), random.random_range(0.0..1499.0));
    let what = random.random_range(0..100);
    let edit = match what {
        0..45 => {
            let (x, y) = at(random);
            project.add_particle_edit(micrograph, x, y, class).1
        }
        45..60 => {
            let (x, y) = at(random);
            let picked = some(random).into_iter().take(1).collect::<Vec<_>>();
            project.change_particles_edit(&picked, |particle| (particle.x, particle.y) = (x, y)).ok()?
        }
        60..80 => project.label_edit(&some(random), class).ok()?,
        80..86 => Edit::RemoveParticles(some(random)),
        86..90 => project.add_class_edit(format!("class {}", random.random_range(0..1000))).1,
        90..95 if classes.len() > 2 => project.merge_class_edit(class?, classes[0]).ok()?,
        95..98 => {
            let size = nanotheca::micrograph::PixelSize::new(random.random_range(0.01..9.0), 1.0 / 3.0);
            project.change_micrograph_edit(micrograph, |entry| entry.pixel_size = size).ok()?
        }
        _ => Edit::SetTraining(serde_json::json!({ "learning_rate": random.random_range(1e-6..1.0) })),
    };
    Some((format!("edit {what}"), edit))
}

/// The program that is killed: it says each state before it is kept, then makes it.
#[test]
#[ignore = "started, and killed, by the test below"]
fn editor() {
    let told = std::env::var(EDITOR).expect("it is started by another test");
    let (seed, path) = told.split_once(' ').unwrap();
    let path = Path::new(path);
    let mut random = StdRng::seed_from_u64(seed.parse().unwrap());
    let Opened { mut project, mut history, .. } = session::open(path).unwrap();
    let say = |hash: &str| {
        let mut out = std::io::stdout().lock();
        out.write_all(format!("\nstate {hash} {}\n", now()).as_bytes()).unwrap();
        out.flush().unwrap();
    };
    // States that undo and redo of this run lead to.
    let (mut states, mut at) = (vec![hash(&project, path)], 0);
    say(&states[0]);
    let mut saving = None;
    loop {
        match random.random_range(0..100) {
            0..12 if at > 0 => {
                at -= 1;
                say(&states[at]);
                history.undo(&mut project).unwrap();
                assert_eq!(hash(&project, path), states[at]);
            }
            12..18 if at + 1 < states.len() => {
                at += 1;
                say(&states[at]);
                history.redo(&mut project).unwrap();
                assert_eq!(hash(&project, path), states[at]);
            }
            18..22 if saving.as_ref().is_none_or(std::thread::JoinHandle::is_finished) => {
                let (copy, mark, to) = (project.clone(), history.mark(), path.to_owned());
                saving =
                    Some(std::thread::spawn(move || store::save_marked(&copy, to, mark.as_ref()).unwrap()));
            }
            22 => std::thread::sleep(Duration::from_millis(random.random_range(0..20))),
            _ => {
                let Some((name, edit)) = some_edit(&mut project, &mut random) else { continue };
                let mut next = project.clone();
                if next.apply(edit.clone()).is_err() {
                    continue;
                }
                states.truncate(at + 1);
                states.push(hash(&next, path));
                at += 1;
                say(&states[at]);
                history.apply(&mut project, edit, name).unwrap();
            }
        }
    }
}

struct State {
    hash: String,
    /// Nanoseconds since 1970.
    at: u128,
}

/// Starts the editor, kills it after a while, and returns what it said and when it was killed.
fn kill_one(path: &Path, seed: u64, random: &mut StdRng) -> (Vec<State>, u128) {
    let mut editor = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "editor", "--nocapture", "--test-threads=1"])
        .env(EDITOR, format!("{seed} {}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(editor.stdout.take().unwrap()).lines();
    let state = |line: String| {
        let mut words = line.strip_prefix("state ")?.split(' ').map(str::to_owned);
        Some(State { hash: words.next()?, at: words.next()?.parse().ok()? })
    };
    let first = lines.by_ref().map(Result::unwrap).find_map(state).expect("the editor opens the project");
    // From the first moment on; now and then long enough for many syncs and saves.
    let longest = if random.random_range(0..20) == 0 { 400.0 } else { 60.0 };
    std::thread::sleep(Duration::from_micros((random.random_range(0.0..longest) * 1e3) as u64));
    let killed = now();
    editor.kill().unwrap();
    let mut states = vec![first];
    // The last line may be torn.
    states.extend(lines.map_while(Result::ok).filter_map(state));
    assert!(!editor.wait().unwrap().success(), "it was killed");
    (states, killed)
}

/// What one round has to hold; returns how old the recovered state was, in milliseconds.
fn check_recovered(path: &Path, start: &str, states: &[State], killed: u128) -> f64 {
    let Opened { mut project, mut history, notes, .. } = session::open(path).unwrap();
    assert_eq!(notes, Vec::<String>::new(), "the journal belongs to the file");
    let recovered = hash(&project, path);
    let known = states.iter().rposition(|state| state.hash == recovered);
    let known = known.expect("the recovered state is one that was acknowledged");
    // How long it had been out of date.
    let age = states.get(known + 1).map_or(0, |next| killed.saturating_sub(next.at)) as f64 / 1e6;
    assert!(age <= 1000.0, "{age} ms old");
    // Undo goes back to the very first state, byte for byte, and forth again.
    let (_, done) = history.len();
    while history.undo(&mut project).unwrap().is_some() {}
    assert_eq!(hash(&project, path), start, "all changes undone");
    for _ in 0..done {
        history.redo(&mut project).unwrap().unwrap();
    }
    assert_eq!(hash(&project, path), recovered, "all changes made again");
    age
}

#[test]
fn a_killed_program_loses_nothing() {
    let rounds = std::env::var("NANOTHECA_KILLS").map_or(KILLS, |text| text.parse().expect("a number"));
    let workers = 2;
    let work = |worker: usize| {
        let mut random = StdRng::seed_from_u64(worker as u64);
        let (mut oldest, mut said, mut folder) = (0.0_f64, 0, None);
        for round in 0..rounds / workers {
            let (_, path, start) = match &folder {
                Some(before) if round % ON_ONE_PROJECT != 0 => before,
                _ => {
                    let new = tempfile::tempdir().unwrap();
                    let path = write_project(new.path());
                    let start = hash(&store::load(&path).unwrap(), &path);
                    folder.insert((new, path, start))
                }
            };
            let (states, killed) = kill_one(path, random.random(), &mut random);
            said += states.len();
            oldest = oldest.max(check_recovered(path, start, &states, killed));
        }
        (oldest, said)
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let oldest = results.iter().fold(0.0_f64, |oldest, result| oldest.max(result.0));
    let said: usize = results.iter().map(|result| result.1).sum();
    assert!(
        said > 5 * rounds,
        "{said} states in {rounds} rounds: the editors were killed before they worked"
    );
    println!("{rounds} kills, {said} acknowledged states, oldest recovered state {oldest:.1} ms out of date");
}

/// A project with a journal of some changes, and the state after each record.
fn with_journal(folder: &Path) -> (PathBuf, Vec<String>) {
    let path = write_project(folder);
    let mut random = StdRng::seed_from_u64(3);
    let Opened { mut project, mut history, .. } = session::open(&path).unwrap();
    let mut states = vec![hash(&project, &path)];
    for i in 0..12 {
        if i % 5 == 4 {
            history.undo(&mut project).unwrap();
        } else {
            let (name, edit) = some_edit(&mut project, &mut random).unwrap();
            if history.apply(&mut project, edit, name).is_err() {
                continue;
            }
        }
        states.push(hash(&project, &path));
    }
    (path, states)
}

#[test]
fn a_journal_cut_or_spoilt_anywhere_gives_the_state_before_the_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (path, states) = with_journal(folder.path());
    let place = journal::path_of(&path);
    let whole = fs::read(&place).unwrap();
    let lines_before = |byte: usize| whole[..byte].iter().filter(|b| **b == b'\n').count();
    for byte in (0..whole.len()).step_by(7) {
        let mut spoilt = whole.clone();
        spoilt[byte] ^= 0x21;
        for bytes in [&whole[..byte], &spoilt[..]] {
            fs::write(&place, bytes).unwrap();
            let opened = session::open(&path).unwrap();
            let known = lines_before(byte).saturating_sub(1);
            assert_eq!(hash(&opened.project, &path), states[known], "byte {byte}");
        }
        for kept in fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()) {
            if kept.extension().is_some_and(|e| e.to_str().is_some_and(|e| e.parse::<u32>().is_ok())) {
                assert!(byte < whole.iter().position(|b| *b == b'\n').unwrap() + 1, "{}", kept.display());
                fs::remove_file(kept).unwrap();
            }
        }
    }
}

#[test]
fn a_second_window_only_looks() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_project(folder.path());
    let mut first = session::open(&path).unwrap();
    let mut second = session::open(&path).unwrap();
    let why = second.history.locked().expect("it is open already").to_owned();
    assert!(why.contains("gold.nanotheca is open in another window"), "{why}");
    let (_, edit) = second.project.add_class_edit("late");
    let before = second.project.clone();
    let refused = second.history.apply(&mut second.project, edit, "add class").unwrap_err().to_string();
    assert!(refused.contains("can only be looked at"), "{refused}");
    assert_eq!(second.project, before);
    // Under another name it may be changed.
    let copy = folder.path().join("copy.nanotheca");
    session::move_to(&mut second.history, &copy).unwrap();
    store::save_marked(&second.project, &copy, second.history.mark().as_ref()).unwrap();
    assert!(second.history.moved(true) && second.history.locked().is_none());
    let (_, edit) = second.project.add_class_edit("late");
    second.history.apply(&mut second.project, edit, "add class").unwrap();
    // But not over one that is open.
    let refused = session::move_to(&mut first.history, &copy).unwrap_err().to_string();
    assert!(refused.contains("open in another window"), "{refused}");
    // When the first has ended, the next may work.
    first.history.finish_journal();
    assert!(!journal::path_of(&path).exists());
    assert!(session::open(&path).unwrap().history.locked().is_none());
}

#[cfg(unix)]
#[test]
fn a_project_opens_where_its_journal_can_be_made_and_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_project(folder.path());
    // It can be opened and locked, and refuses what a full disk refuses: to become a journal.
    std::os::unix::fs::symlink("/dev/null", journal::path_of(&path)).unwrap();
    let opened = session::open(&path).unwrap();
    assert_eq!(opened.project, store::load(&path).unwrap());
    assert!(opened.history.journal().is_none() && opened.history.locked().is_none());
    assert!(opened.notes.iter().any(|note| note.contains("No journal can be written")), "{:?}", opened.notes);
}

#[test]
fn where_no_journal_can_be_written_the_reason_is_told() {
    let folder = tempfile::tempdir().unwrap();
    // So deep that it has room for no further name.
    let mut deep = folder.path().to_owned();
    while deep.as_os_str().len() < 3900 {
        deep.push("d".repeat(150));
    }
    deep.push("d".repeat(4080 - deep.as_os_str().len()));
    let mut history = nanotheca::project::history::History::new();
    let refused = session::begin_unsaved(&mut history, &Project::new(), &deep).unwrap_err();
    let nanotheca::Error::Io { source, .. } = &refused else { panic!("{refused}") };
    assert_eq!(source.kind(), std::io::ErrorKind::InvalidFilename, "{source}");
}

#[test]
fn work_saved_under_another_name_takes_its_history_along() {
    let folder = tempfile::tempdir().unwrap();
    let unsaved = folder.path().join("unsaved");
    let mut project = store::load(write_project(folder.path())).unwrap();
    let mut history = nanotheca::project::history::History::new();
    session::begin_unsaved(&mut history, &project, &unsaved).unwrap();
    let start = project.clone();
    let add = |project: &mut Project, history: &mut nanotheca::project::history::History, x: f32| {
        let (_, edit) = project.add_particle_edit(project.micrographs[0].id, x, 5.0, None);
        history.apply(project, edit, format!("add at {x}")).unwrap();
    };
    for x in [1.0, 2.0, 3.0] {
        add(&mut project, &mut history, x);
    }
    history.undo(&mut project).unwrap();
    assert_eq!(session::left_unsaved(&unsaved), Vec::<PathBuf>::new(), "its program lives");

    // The program dies before anything was saved.
    drop(history);
    // A process that another test is just starting holds the lock's file until it runs its own program.
    let left = (0..10_000_000)
        .map(|_| {
            std::thread::yield_now();
            session::left_unsaved(&unsaved)
        })
        .find(|left| !left.is_empty())
        .unwrap_or_default();
    assert_eq!(left.len(), 1);
    let Opened { project: mut again, mut history, recovered, .. } = session::open_unsaved(&left[0]).unwrap();
    assert_eq!((&again, recovered), (&project, 4));
    assert_eq!(history.redo_name(), Some("add at 3"));
    assert!(history.is_dirty());

    // It is saved under a name; while the file is written, one more change is made; then the program dies again.
    let path = folder.path().join("named.nanotheca");
    session::move_to(&mut history, &path).unwrap();
    let (copy, mark, state) = (again.clone(), history.mark(), history.state());
    add(&mut again, &mut history, 4.0);
    store::save_marked(&copy, &path, mark.as_ref()).unwrap();
    history.mark_saved(state);
    history.moved(true);
    assert!(!left[0].exists(), "the old journal has had its day");
    drop(history);
    let Opened { project: mut last, mut history, recovered, .. } = session::open(&path).unwrap();
    assert_eq!((&last, recovered), (&again, 1));
    history.undo(&mut last).unwrap();
    assert!(!history.is_dirty(), "the file's state");
    while history.undo(&mut last).unwrap().is_some() {}
    assert_eq!(last, start);
}

#[test]
fn a_journal_of_another_version_of_the_file_is_kept_and_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (path, states) = with_journal(folder.path());
    let mut other = store::load(&path).unwrap();
    let (_, edit) = other.add_class_edit("from elsewhere");
    other.apply(edit).unwrap();
    store::save(&other, &path).unwrap();
    let opened = session::open(&path).unwrap();
    assert_eq!(opened.project, other);
    assert!(opened.notes[0].contains("kept as"), "{:?}", opened.notes);
    assert!(folder.path().join("gold.nanotheca.journal.1").is_file());
    // With the old file the kept journal would be of use again.
    drop(opened);
    fs::rename(store::backup_of(&path), &path).unwrap();
    fs::rename(folder.path().join("gold.nanotheca.journal.1"), journal::path_of(&path)).unwrap();
    assert_eq!(hash(&session::open(&path).unwrap().project, &path), *states.last().unwrap());
}
