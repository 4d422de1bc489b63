// What the host hands over for each step, and how far the device is.
#pragma once
#include "../../cuda/device.cuh"

// One step's input from the host; `StepInput` of cuda.rs.
struct StepInput {
    u32 key[8];
    // Learning rate, but for the plateau's factor.
    double rate;
    // 1 - β₁ᵗ and 1/√(1 - β₂ᵗ).
    double first_correction;
    double second_root;
};

// Where a device is within the steps that the host has prepared; `Progress` of cuda.rs.
struct Progress {
    // Inputs used so far.
    u32 slot;
    // 1 + the slot of the first step that was not finite; 0 as long as all was well.
    u32 failed;
    // Blocks of the gradient's norm that are done.
    u32 arrived;
    // Place of the first parameter whose gradient was not finite, where one was.
    u32 bad_parameter;
};
