// All kernels in one translation unit, assembled ahead into kernels.ptx by assemble.py.
#include "../ops/adamw/kernel.cu"
#include "../ops/draw/kernel.cu"
#include "../ops/mlp/kernel.cu"
#include "../ops/pair_losses/kernel.cu"
#include "../ops/rollout/kernel.cu"
#include "../ops/rollout/weight_gradient.cu"
#include "../ops/state_losses/kernel.cu"
