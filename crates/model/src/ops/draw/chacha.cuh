// The project's random streams on the device: ChaCha8 as `rand_chacha` keys and counts it, read as little-endian u64s (`gridlake_space::seed`).
#pragma once
#include "../../cuda/device.cuh"

DEVICE u32 rotate_left(u32 x, u32 by) { return (x << by) | (x >> (32 - by)); }

DEVICE void quarter_round(u32& a, u32& b, u32& c, u32& d) {
    a += b;
    d = rotate_left(d ^ a, 16);
    c += d;
    b = rotate_left(b ^ c, 12);
    a += b;
    d = rotate_left(d ^ a, 8);
    c += d;
    b = rotate_left(b ^ c, 7);
}

// The 64 bytes of a stream's block.
DEVICE void chacha8_block(const u32* key, u64 counter, u32 (&out)[16]) {
    u32 start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7],
                     static_cast<u32>(counter), static_cast<u32>(counter >> 32), 0, 0};
#pragma unroll
    for (u32 i = 0; i < 16; i++) out[i] = start[i];
#pragma unroll
    for (u32 round = 0; round < 4; round++) {
        quarter_round(out[0], out[4], out[8], out[12]);
        quarter_round(out[1], out[5], out[9], out[13]);
        quarter_round(out[2], out[6], out[10], out[14]);
        quarter_round(out[3], out[7], out[11], out[15]);
        quarter_round(out[0], out[5], out[10], out[15]);
        quarter_round(out[1], out[6], out[11], out[12]);
        quarter_round(out[2], out[7], out[8], out[13]);
        quarter_round(out[3], out[4], out[9], out[14]);
    }
#pragma unroll
    for (u32 i = 0; i < 16; i++) out[i] += start[i];
}

// A stream from any of its u64s on.
struct Stream {
    const u32* key;
    u64 at;
    u64 loaded;
    u32 words[16];

    DEVICE Stream(const u32* key, u64 at) : key(key), at(at), loaded(~0ull) {}

    DEVICE u64 next() {
        if (at / 8 != loaded) {
            loaded = at / 8;
            chacha8_block(key, loaded, words);
        }
        u32 low = 0, high = 0;
        // Spelled out, so that the words stay in registers.
#pragma unroll
        for (u32 i = 0; i < 8; i++) {
            if (i == at % 8) {
                low = words[2 * i];
                high = words[2 * i + 1];
            }
        }
        at++;
        return static_cast<u64>(high) << 32 | low;
    }
};
