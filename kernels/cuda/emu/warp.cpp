/* warp.cpp -- what the 32 lanes of a warp do together: shuffles, votes, __syncwarp, matrix loads
 * and products.
 *
 * Shuffles and votes do not order memory (CUDA's programming guide says so); __syncwarp does, for
 * the lanes of its mask. Fragments of m16n8k16 and of ldmatrix: PTX ISA, "Matrix fragments for
 * mma.m16n8k16", "ldmatrix".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

namespace emu
{
static unsigned lowest(unsigned lanes)
{
    return static_cast<unsigned>(__builtin_ctz(lanes));
}

/* ---- matrices: out of lane registers, into lane registers
 * ---------------------------------------------------------- */
static float half_of(uint32_t r, int upper)
{
    return __uint_as_float(upper ? r & 0xffff0000U : r << 16);
}

static void load_fragments(const Fiber *lanes, float (&a)[16][16], float (&b)[16][8],
                           float (&d)[16][8])
{
    for (int l = 0; l < 32; l++) {
        const auto *ra = static_cast<const uint32_t *>(lanes[l].in[0]);
        const auto *rb = static_cast<const uint32_t *>(lanes[l].in[1]);
        const auto *rc = static_cast<const float *>(lanes[l].in[2]);
        const int group = l / 4;
        const int t = l % 4;
        for (int i = 0; i < 4; i++) {
            for (int h = 0; h < 2; h++)
                a[group + (i & 1) * 8][2 * t + h + (i >> 1) * 8] = half_of(ra[i], h);
            d[group + (i >> 1) * 8][2 * t + (i & 1)] = rc[i];
        }
        for (int i = 0; i < 2; i++)
            for (int h = 0; h < 2; h++)
                b[2 * t + h + i * 8][group] = half_of(rb[i], h);
    }
}

/* Sums in f32 in the order of k; tensor cores sum in another order and truncate, so comparisons
 * need a tolerance. */
static void multiply(const Fiber *lanes)
{
    float a[16][16];
    float b[16][8];
    float d[16][8];
    load_fragments(lanes, a, b, d);
    for (int i = 0; i < 16; i++) {
        for (int k = 0; k < 16; k++)
            for (int j = 0; j < 8; j++)
                d[i][j] += a[i][k] * b[k][j];
    }
    for (int l = 0; l < 32; l++)
        for (int i = 0; i < 4; i++)
            static_cast<float *>(lanes[l].out)[i] = d[l / 4 + (i >> 1) * 8][2 * (l % 4) + (i & 1)];
}

static void load_matrices(Block &b, Fiber *lanes, emu_op op, Address at)
{
    uint16_t rows[32][8];
    Fiber *const keep = b.now;
    const int preempt = emu_set.preempt;
    emu_set.preempt = 0; /* the whole warp is inside this instruction */
    for (int l = 0; l < 32; l++) {
        b.now = &lanes[l];
        check_aligned(lanes[l].in[0], 16, at);
        touch(lanes[l].in[0], 16, Kind::read, at);
        memcpy(rows[l], lanes[l].in[0], 16);
    }
    emu_set.preempt = preempt;
    b.now = keep;
    for (int l = 0; l < 32; l++) {
        auto *r = static_cast<uint32_t *>(lanes[l].out);
        const int x = l / 4;
        const int y = 2 * (l % 4);
        for (int i = 0; i < 4; i++) {
            const uint32_t low = op == EMU_LDMATRIX ? rows[8 * i + x][y] : rows[8 * i + y][x];
            const uint32_t high =
                op == EMU_LDMATRIX ? rows[8 * i + x][y + 1] : rows[8 * i + y + 1][x];
            r[i] = low | high << 16;
        }
    }
}

/* ---- shuffles, votes, __syncwarp
 * ----------------------------------------------------------------------------------- */
/* The lane that lane l reads. */
static int source_lane(const Fiber &f, int l)
{
    const int width = f.width;
    const int base = l & ~(width - 1);
    if (f.op == EMU_INDEX)
        return base | (f.arg & (width - 1));
    if (f.op == EMU_UP)
        return l - f.arg < base ? l : l - f.arg;
    const int from = f.op == EMU_DOWN ? l + f.arg : l ^ f.arg;
    return from >= base + width ? l : from;
}

static void shuffle(Fiber *lanes, unsigned mask)
{
    for (unsigned k = mask; k; k &= k - 1) {
        const int l = static_cast<int>(lowest(k));
        Fiber &f = lanes[l];
        const int from = source_lane(f, l);
        if (mask >> from & 1) {
            f.result = lanes[from].value;
        } else {
            report(EMU_WARP, static_cast<Address>(f.line),
                   "shuffle of line %d: lane %d reads lane %d, which takes no part;", f.line, l,
                   from);
            f.result = ~uint64_t{ 0 };
        }
    }
}

static void vote(Fiber *lanes, unsigned mask, emu_op op)
{
    unsigned yes = 0;
    for (unsigned k = mask; k; k &= k - 1)
        yes |= lanes[lowest(k)].value ? 1U << lowest(k) : 0;
    for (unsigned k = mask; k; k &= k - 1)
        lanes[lowest(k)].result = op == EMU_BALLOT ? yes : op == EMU_ANY ? yes != 0 : yes == mask;
}

static void order_lanes(Warp &w, unsigned mask)
{
    w.clock++;
    if (mask == ~w.done) {
        w.full = w.clock;
        return;
    }
    w.is_partial = true;
    for (unsigned k = mask; k; k &= k - 1)
        for (unsigned j = mask; j; j &= j - 1)
            w.pair[lowest(k)][lowest(j)] = w.clock;
}

static bool is_same_call(Fiber *lanes, const Fiber &a, unsigned mask)
{
    for (unsigned k = mask; k; k &= k - 1) {
        const Fiber &f = lanes[lowest(k)];
        if (f.op != a.op || f.mask != a.mask || (a.op >= EMU_MMA && f.line != a.line)) {
            report(EMU_WARP, static_cast<Address>(a.line),
                   "lanes of one mask meet in different collectives: line %d mask %08x and line %d "
                   "mask %08x;",
                   a.line, a.mask, f.line, f.mask);
            return false;
        }
    }
    return true;
}

static void complete(Block &b, Warp &w, Fiber *lanes, const Fiber &a, unsigned mask)
{
    if (a.op >= EMU_MMA && mask != ~0U) {
        report(EMU_WARP, static_cast<Address>(a.line), "line %d needs all 32 lanes, has %08x;",
               a.line, mask);
    }
    if (a.op == EMU_MMA)
        multiply(lanes);
    else if (a.op >= EMU_LDMATRIX)
        load_matrices(b, lanes, a.op, static_cast<Address>(a.line));
    else if (a.op == EMU_SYNC)
        order_lanes(w, mask);
    else if (a.op >= EMU_BALLOT)
        vote(lanes, mask, a.op);
    else
        shuffle(lanes, mask);
}

bool try_collective(Block &b, int warp)
{
    Warp &w = b.warps[warp];
    Fiber *lanes = b.fibers + static_cast<ptrdiff_t>(warp) * 32;
    for (unsigned left = w.waiting; left; left &= left - 1) {
        const Fiber &a = lanes[lowest(left)];
        const unsigned mask = a.mask & ~w.done;
        if ((w.waiting & mask) != mask || !is_same_call(lanes, a, mask))
            continue;
        complete(b, w, lanes, a, mask);
        w.waiting &= ~mask;
        for (unsigned k = mask; k; k &= k - 1) {
            Fiber &f = lanes[lowest(k)];
            if (&f == b.now)
                f.state = State::ready;
            else
                make_ready(b, f);
        }
        return true;
    }
    return false;
}

static void join(Block &b, Fiber &self)
{
    Warp &w = b.warps[self.tid / 32];
    w.waiting |= 1U << (self.tid % 32);
    self.state = State::in_collective;
    const unsigned mask = self.mask & ~w.done;
    if ((w.waiting & mask) == mask)
        try_collective(b, self.tid / 32);
    if (self.state == State::in_collective)
        run_next(b, &self);
}
} /* namespace emu */

uint64_t emu_lanes(emu_op op, unsigned mask, uint64_t value, int arg, int width, int line)
{
    emu::Block &b = *emu::here;
    emu::Fiber &self = *b.now;
    const int lane = self.tid % 32;
    self.op = op;
    self.mask = mask;
    self.value = value;
    self.arg = arg;
    self.width = width;
    self.line = line;
    if (!(mask >> lane & 1)) {
        emu::report(EMU_WARP, static_cast<emu::Address>(line),
                    "line %d: lane %d calls with mask %08x, which does not name it;", line, lane,
                    mask);
        return value;
    }
    emu::join(b, self);
    return self.result;
}

void emu_matrix(emu_op op, void *out, const void *a, const void *b, const void *c, int line)
{
    emu::Fiber &self = *emu::here->now;
    self.op = op;
    self.mask = ~0U;
    self.out = out;
    self.in[0] = a;
    self.in[1] = b;
    self.in[2] = c;
    self.line = line;
    emu::join(*emu::here, self);
}
