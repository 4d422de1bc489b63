//! Training through the public interface: exact resume, threads, engines that agree, failures that are told.

#[path = "support/small.rs"]
mod small;

use gridlake_model::batch::Batch;
use gridlake_model::config::{Activation, EngineKind, Precision};
use gridlake_model::engine::engine;
use gridlake_model::gradients::Gradients;
use gridlake_model::parameters::Parameters;
use gridlake_model::{CheckedTrainConfig, ModelError, Network, TrainConfig, Trainer};
use gridlake_space::seed::Seed;
use std::path::Path;

fn config(change: impl FnOnce(&mut serde_json::Value)) -> CheckedTrainConfig {
    small::config("cpu", change)
}

fn train(config: &CheckedTrainConfig, steps: u64) -> Trainer {
    let mut trainer = Trainer::new(config, Seed(3), "abc").expect("a trainer");
    for _ in 0..steps {
        trainer.step().expect("a step");
    }
    trainer
}

fn bytes(trainer: &Trainer, folder: &Path) -> Vec<u8> {
    let path = folder.join("checkpoint.safetensors");
    trainer.save(&path).expect("a checkpoint");
    std::fs::read(path).expect("bytes")
}

#[test]
fn a_resumed_training_ends_in_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    for (kind, growing) in [("constant", false), ("cosine", true), ("plateau", false), ("plateau", true)] {
        let config = config(|c| {
            c["scheduler"]["kind"] = kind.into();
            if growing {
                small::growing(c);
            }
        });
        let undisturbed = bytes(&train(&config, 40), folder.path());
        for stop in [1, 11, 12, 26, 39] {
            let at = folder.path().join("stopped.safetensors");
            train(&config, stop).save(&at).expect("a checkpoint");
            let mut resumed = Trainer::resume(&config, Seed(3), "abc", &at).expect("resumes");
            assert_eq!(resumed.step_index(), stop);
            while resumed.step_index() < 40 {
                resumed.step().expect("a step");
            }
            assert!(bytes(&resumed, folder.path()) == undisturbed, "{kind}, growing: {growing}, stopped at {stop}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(|c| {
        c["data"]["batch"] = 16.into();
        c["data"]["length"] = 12.into();
    });
    let on = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(|| bytes(&train(&config, 20), folder.path()))
    };
    let one = on(1);
    assert!(one == on(2) && one == on(5));
}

/// What twenty steps of training end in, on every processor. Whoever changes it changes every network: say so in the changelog.
const TWENTY_STEPS: &str = "bf19ad70e2d0cd5aa50181c874743df288c31ed7dc094ff1412d6001e83c5d49";

/// Set in the processes that [`the_bits_are_the_same_on_every_processor`] starts.
const CHILD: &str = "GRIDLAKE_TEST_CHILD";

#[test]
fn the_bits_are_the_same_on_every_processor() {
    use sha2::{Digest, Sha256};
    let config = config(|c| c["model"]["activation"] = "gelu".into());
    let trainer = train(&config, 20);
    let mut hasher = Sha256::new();
    for (_, var) in trainer.parameters().expect("parameters").named() {
        for value in var.flatten_all().and_then(|v| v.to_vec1::<f32>()).expect("values") {
            hasher.update(value.to_le_bytes());
        }
    }
    let found = hasher.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(found, TWENTY_STEPS, "on {:?}", gridlake_model::ops::simd::instruction_set());
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    // The same in processes that are told to use less than this processor has; an emulator of another processor can start none.
    for set in ["avx512", "avx2", "neon", "portable"] {
        let mut child = std::process::Command::new(std::env::current_exe().expect("this program"));
        child.args(["--exact", "the_bits_are_the_same_on_every_processor"]).env("GRIDLAKE_SIMD", set).env(CHILD, "1");
        let output = child.output().expect("a process");
        let said = String::from_utf8_lossy(&output.stdout);
        let ran = said.contains("running 1 test");
        assert!(output.status.success() || (!ran && cfg!(not(target_arch = "x86_64"))), "{set}: {said}");
    }
}

#[test]
fn both_engines_agree_on_drawn_batches_with_and_without_augmentation() {
    for (augmentation, activation) in
        [("permutation", Activation::Relu), ("none", Activation::Tanh), ("permutation", Activation::Gelu), ("none", Activation::Silu)]
    {
        let config = config(|c| c["data"]["augmentation"] = augmentation.into());
        let batch = Batch::draw(&config.data, &mut Seed(8).stream("batch", 0));
        let evaluate = |kind, precision| {
            let parameters = Parameters::draw(&config.model, precision, &candle_core::Device::Cpu, Seed(4)).expect("parameters");
            let mut gradients = Gradients::new(&parameters);
            // Twice, as accumulated batches are: the second adds.
            let mut engine = engine(kind, activation, precision);
            engine.evaluate(&parameters, &batch, &config.loss, &mut gradients).expect("an evaluation");
            let evaluation = engine.evaluate(&parameters, &batch, &config.loss, &mut gradients).expect("an evaluation");
            let gradients: Vec<Vec<f64>> = (0..parameters.named().len()).map(|p| gradients.to_vec(p)).collect();
            (evaluation, gradients)
        };
        let ((fast, fast_gradients), (slow, slow_gradients)) =
            (evaluate(EngineKind::Fused, Precision::F32), evaluate(EngineKind::Reference, Precision::F64));
        assert_eq!(fast.statistics, slow.statistics);
        let (a, b) = (fast.losses.total(&config.loss), slow.losses.total(&config.loss));
        assert!((a - b).abs() < 1e-5 * b.abs(), "{a} against {b}");
        for (fast, slow) in fast_gradients.iter().zip(&slow_gradients) {
            let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
            let difference = norm(&mut fast.iter().zip(slow).map(|(a, b)| a - b));
            assert!(difference <= 1e-4 * norm(&mut slow.iter().copied()), "{augmentation} {activation:?}");
        }
    }
}

#[test]
fn the_reference_engine_trains_too_and_the_loss_falls() {
    for (engine, precision) in [("fused", "f32"), ("reference", "f32"), ("reference", "f64")] {
        let config = config(|c| {
            c["engine"] = engine.into();
            c["precision"] = precision.into();
            c["curriculum"] = serde_json::json!([]);
            c["scheduler"]["kind"] = "constant".into();
            c["optimizer"]["learning_rate"] = 0.003.into();
        });
        let mut trainer = Trainer::new(&config, Seed(3), "abc").expect("a trainer");
        let losses: Vec<f64> = (0..60).map(|_| trainer.step().expect("a step").loss_total).collect();
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        assert!(mean(&losses[50..]) < mean(&losses[..10]) - 0.01, "{engine} {precision}: {losses:?}");
    }
}

#[test]
fn added_units_leave_the_older_ones_as_they_were() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.safetensors");
    for (engine, precision) in [("fused", "f32"), ("reference", "f64")] {
        let config = self::config(|c| {
            small::growing(c);
            c["engine"] = engine.into();
            c["precision"] = precision.into();
        });
        // A network of as many units as have been trained so far, in its checkpoint as well: the others come with the phase's first step.
        train(&config, 12).save(&path).expect("a checkpoint");
        assert_eq!(Network::load(&path, "cpu").expect("a network").units(), 12);
        let mut trainer = Trainer::resume(&config, Seed(3), "abc", &path).expect("resumes");
        trainer.step().expect("a step");
        assert_eq!(trainer.parameters().expect("parameters").units(), 16);
        trainer.advance(26).expect("steps");
        trainer.save(&path).expect("a checkpoint");
        assert_eq!(Network::load(&path, "cpu").expect("a network").units(), 20);
    }
    // A first step of a phase that fails leaves a network of the phase's units before that step, which can be kept.
    let config = self::config(small::growing);
    train(&config, 13).save(&path).expect("a checkpoint");
    let mut file = std::fs::read(&path).expect("bytes");
    let told = br#"\"step\":13"#;
    let at = file.windows(told.len()).position(|bytes| bytes == told).expect("the header tells the step");
    file[at + told.len() - 1] = b'2';
    std::fs::write(&path, &file).expect("written");
    let resumed = Trainer::resume(&config, Seed(3), "abc", &path).expect("resumes");
    assert_eq!((resumed.step_index(), resumed.parameters().expect("parameters").units()), (12, 16));
    // With steps too small to change anything, the older units do what they did, beside the new ones, in a state of the same norm.
    let config = self::config(|c| {
        small::growing(c);
        c["optimizer"]["learning_rate"] = 1e-30.into();
        c["optimizer"]["weight_decay"] = 0.0.into();
        c["curriculum"][1] = serde_json::json!({"until": 25, "model": {"units": 20}});
    });
    let mut stream = Seed(1).stream("walk", 0);
    let walk: Vec<[f64; 2]> = (0..30).map(|_| [stream.uniform_in(-0.1, 0.1), stream.uniform_in(-0.1, 0.1)]).collect();
    let states = |steps| {
        train(&config, steps).save(&path).expect("a checkpoint");
        Network::load(&path, "cpu").expect("a network").rollouts(&[&walk]).expect("states").remove(0)
    };
    let (before, after) = (states(12), states(13));
    let mut active = 0;
    for (before, after) in before.chunks(12).zip(after.chunks(20)) {
        let norm = after[..12].iter().map(|g| g * g).sum::<f32>().sqrt();
        assert!(norm > 0.05, "older units still share the norm: {norm}");
        for (before, after) in before.iter().zip(after) {
            assert!((before - after / norm).abs() < 1e-4, "{before} and {after} of {norm}");
        }
        active += usize::from(after[12..].iter().any(|g| *g > 0.0));
    }
    assert!(active > 25, "new units take part in {active} of 30 states");
}

#[test]
fn a_loss_that_is_not_finite_stops_with_its_step_and_term() {
    let config = config(|c| {
        c["optimizer"]["learning_rate"] = 10.0.into();
        c["optimizer"]["clip_norm"] = 0.0.into();
        c["optimizer"]["weight_decay"] = 10.0.into();
        c["curriculum"] = serde_json::json!([]);
        c["scheduler"]["kind"] = "constant".into();
    });
    let mut trainer = Trainer::new(&config, Seed(3), "abc").expect("a trainer");
    let error = (0..400).find_map(|_| trainer.step().err()).expect("diverges");
    let ModelError::NonFinite { step, ref term } = error else { panic!("{error}") };
    assert!(step == trainer.step_index() + 1 && (term.contains("loss") || term.contains("gradient")), "{error}");
}

#[test]
fn damaged_and_foreign_checkpoints_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.safetensors");
    let config = config(|_| ());
    train(&config, 1).save(&path).expect("a checkpoint");
    let whole = std::fs::read(&path).expect("bytes");
    let resume = |fingerprint: &str| Trainer::resume(&config, Seed(3), fingerprint, &path).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(resume("other").contains("another configuration"), "{}", resume("other"));
    for length in [0, 5, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).expect("written");
        assert!(resume("abc").contains("c.safetensors") && resume("abc").contains("torn"), "{length}: {}", resume("abc"));
    }
    let mut altered = whole.clone();
    *altered.last_mut().expect("a byte") ^= 1;
    std::fs::write(&path, &altered).expect("written");
    assert!(resume("abc").contains("altered"), "{}", resume("abc"));
    std::fs::remove_file(&path).expect("removed");
    assert!(resume("abc").contains("c.safetensors"));
}

#[test]
fn a_loaded_network_walks_alike_in_any_segments_and_company() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.safetensors");
    // Of 520 units only 16 matrices are made at once, so that trajectories go in groups, and each of them step by step.
    for (units, length, company) in [(20, 200, 3), (520, 43, 18)] {
        train(&config(|c| c["model"]["units"] = units.into()), 5).save(&path).expect("a checkpoint");
        let network = Network::load(&path, "cpu").expect("a network");
        let mut stream = Seed(1).stream("walk", 0);
        let mut walk = || (0..length).map(|_| [stream.uniform_in(-0.1, 0.1), stream.uniform_in(-0.1, 0.1)]).collect();
        let walks: Vec<Vec<[f64; 2]>> = (0..company).map(|_| walk()).collect();
        let views: Vec<&[[f64; 2]]> = walks.iter().map(Vec::as_slice).collect();
        let whole = network.rollouts(&views).expect("states");
        for states in &whole {
            assert_eq!(states.len(), length * units);
            for state in states.chunks(units) {
                let norm: f32 = state.iter().map(|g| g * g).sum::<f32>().sqrt();
                assert!((norm - 1.0).abs() < 1e-5 || norm == 0.0, "{norm}");
            }
        }
        assert!(whole[0] != whole[1]);
        let alone = network.rollouts(&views[1..2]).expect("states");
        assert!(alone[0] == whole[1], "{units} units: alone or in company");
        for segments in [&[1, 2, 40][..], &[7, 0, 36], &[42, 1]] {
            let mut walkers = network.walkers(company);
            let mut states = vec![Vec::new(); company];
            let mut first = 0;
            for steps in segments {
                let parts: Vec<&[[f64; 2]]> = views.iter().map(|walk| &walk[first..first + steps]).collect();
                let next = network.advance(&mut walkers, &parts).expect("states");
                states.iter_mut().zip(next).for_each(|(states, next)| states.extend(next));
                first += steps;
            }
            assert!(states.iter().zip(&whole).all(|(states, whole)| *states == whole[..first * units]), "{units} units: {segments:?}");
        }
    }
}

#[test]
fn settings_out_of_range_name_their_key() {
    let check = |change: &dyn Fn(&mut TrainConfig)| {
        let mut raw: TrainConfig = (*config(|_| ())).clone();
        change(&mut raw);
        raw.check().expect_err("out of range").to_string()
    };
    assert_eq!(
        check(&|c| c.loss.sigma_g = -1.0),
        "train.curriculum.0.loss.sigma_g is -1; allowed: above 0, at most 100".replace("curriculum.0.", "")
    );
    assert!(check(&|c| c.curriculum[1].until = 12).starts_with("train.curriculum.1.until is 12; allowed: above 12"));
    assert!(
        check(&|c| c.curriculum[0].model.units = Some(21))
            .starts_with("train.curriculum.0.model.units is 21; allowed: 2 (units are added, and none taken away) to 20")
    );
    assert!(
        check(&|c| c.curriculum[1].model.units = Some(19))
            .starts_with("train.curriculum.1.model.units is 19; allowed: 20 (units are added")
    );
    assert!(check(&|c| c.data.batch = 0).starts_with("train.data.batch is 0"));
    assert!(check(&|c| c.optimizer.beta2 = 1.0).starts_with("train.optimizer.beta2 is 1"));
    assert!(check(&|c| c.optimizer.learning_rate = f64::NAN).starts_with("train.optimizer.learning_rate is NaN"));
    assert!(check(&|c| c.device = "tpu".into()).contains("\"cuda:<number>\""));
    assert!(check(&|c| c.precision = Precision::F64).contains("engine = \"reference\""));
}
