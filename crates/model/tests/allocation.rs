//! Training allocates no buffers once it is under way; candle, asked to change a variable in place, lists its few dimensions anew each time.
#![expect(unsafe_code, reason = "an allocator that counts")]

use gridlake_model::{TrainConfig, Trainer};
use gridlake_space::seed::Seed;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_step_in_the_steady_state_allocates_no_buffer() {
    let json = serde_json::json!({
        "steps": 1000, "device": "cpu", "engine": "fused", "precision": "f32", "log_every": 1,
        "data": {"batch": 24, "length": 12, "velocity_limit_m": 0.15, "velocity_distribution": "square", "augmentation": "permutation"},
        "model": {"units": 40, "mlp_hidden": [16, 16], "activation": "relu", "trainable_initial_state": true},
        "loss": {"sigma_x_m": 0.05, "sigma_g": 0.4, "lambda_sep": 1.0, "lambda_inv": 0.1, "lambda_cap": 0.5, "lambda_coniso": 0.001, "reduction": "mean-selected"},
        "optimizer": {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01, "clip_norm": 0.1, "accumulate": 2},
        "scheduler": {"kind": "plateau", "warmup_steps": 3, "final_fraction": 0.0, "window": 4, "patience": 0, "threshold": 1e-4, "factor": 0.5, "min_learning_rate": 1e-6},
        "checkpoints": {"every": 1000, "keep": 3},
        "curriculum": [{"until": 10, "data": {"batch": 6, "length": 4}}, {"until": 600, "data": {"batch": 20}}]
    });
    let config = serde_json::from_value::<TrainConfig>(json).expect("a configuration").check().expect("in range");
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let mut trainer = Trainer::new(&config, Seed(3), "abc").expect("a trainer");
            let mut steps = |count: usize| {
                let before = (CALLS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
                (0..count).for_each(|_| assert!(trainer.step().expect("a step").loss_total.is_finite()));
                (CALLS.load(Ordering::Relaxed) - before.0, BYTES.load(Ordering::Relaxed) - before.1)
            };
            // Buffers are made in the first steps of a phase; one holds the slow steps, whose number differs from batch to batch.
            let (_, bytes) = steps(60);
            assert!(bytes > 100_000, "the allocator counts: {bytes}");
            let (calls, bytes) = steps(500);
            // A list per parameter and step; and queues of the thread pool may still grow once or twice.
            assert!(calls <= 7 * 500 + 5 && bytes < 500 * 512, "{threads} threads: {calls} allocations, {bytes} bytes in 500 steps");
        });
    }
}
