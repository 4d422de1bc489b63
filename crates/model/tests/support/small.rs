//! A small problem with every feature switched on.

use gridlake_model::{CheckedTrainConfig, TrainConfig};

/// 40 steps in three phases, with changes.
pub(crate) fn config(device: &str, change: impl FnOnce(&mut serde_json::Value)) -> CheckedTrainConfig {
    let mut json = serde_json::json!({
        "steps": 40, "device": device, "engine": "fused", "precision": "f32", "log_every": 1,
        "data": {"batch": 5, "length": 7, "velocity_limit_m": 0.15, "velocity_distribution": "square", "augmentation": "permutation"},
        "model": {"units": 20, "mlp_hidden": [16, 16], "activation": "relu", "trainable_initial_state": true},
        "loss": {"sigma_x_m": 0.05, "sigma_g": 0.4, "lambda_sep": 1.0, "lambda_inv": 0.1, "lambda_cap": 0.5, "lambda_coniso": 0.001, "reduction": "mean-selected"},
        "optimizer": {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01, "clip_norm": 0.1, "accumulate": 2},
        "scheduler": {"kind": "plateau", "warmup_steps": 3, "final_fraction": 0.0, "window": 4, "patience": 0, "threshold": 1e-4, "factor": 0.5, "min_learning_rate": 1e-6},
        "checkpoints": {"every": 10, "keep": 3},
        "curriculum": [{"until": 12, "data": {"batch": 6, "length": 4}, "loss": {"lambda_cap": 0.0}}, {"until": 25, "optimizer": {"learning_rate": 0.002}}]
    });
    change(&mut json);
    serde_json::from_value::<TrainConfig>(json).expect("a configuration").check().expect("in range")
}

/// Twelve of its units in the first phase, 16 in the second, 20 from then on.
pub(crate) fn growing(config: &mut serde_json::Value) {
    config["curriculum"][0]["model"] = serde_json::json!({"units": 12});
    config["curriculum"][1]["model"] = serde_json::json!({"units": 16});
}
