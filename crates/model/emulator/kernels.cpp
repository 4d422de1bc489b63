// The kernels, compiled for the host.
#include "simt.h"

#include GRIDLAKE_KERNELS
