/* sample.cu -- from logits[rows,V] one id a row: temperature, top-k, top-p, min-p, then the inverse
 * of the cumulated probabilities at a counted draw (philox.h). Formulas: kernels/kernels.h.
 *
 * A block takes a row, and nothing is sorted or kept: p is computed from the logits whenever it is
 * looked at. Sums of p are 64-bit integers, in units of 2^-61 (finer where the valid ids have
 * hardly any of the mass): so their order is no matter, and that of threads is none.
 *
 * The last in rank that is kept is found by the bits of its p, ten at a time: a pass counts how
 * many ids, and how much p, have which next ten bits; where the cut falls, there the next pass
 * looks. A bin with one id in it ends that. Between equal p, ids count. The draw is found by the
 * sums of stretches, one for each warp, then of stretches of that stretch.
 *
 * Bytes: the row once for its sums and once for the draw (or the largest); with top-k or top-p once
 * for each ten bits as well, as a rule two times each.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/internal.h"
#include "kernels/cuda/softmax_row.h"
#include "kernels/philox.h"

namespace
{
constexpr int digit = 10, bins = 1 << digit;
constexpr int first_shift = 2 * digit; /* p <= 1: 30 bits of it count */
constexpr int size = k_chunk<float>::n;
constexpr int64_t most_ids =
    1 << 22; /* of which each adds less than 2^10 to a counter of 32 bits */

/* The last in rank that is kept: ranked are larger p first, of equal ones smaller ids. */
struct Last {
    uint32_t bits;
    int id;
};

struct Row {
    k_logits logits;
    int n_valid;
    int scale; /* sums of p count in 2^-scale */
    float temperature, max, sum;
    Last last;
};

struct Shared {
    unsigned count[bins], low[bins], high[bins];
    uint64_t part[3][32];
    struct {
        int bin;
        unsigned count;  /* of the bin */
        uint64_t before; /* what the larger bins weigh */
    } found;
};

/* ---- a probability --------------------------------------------------------------------------- */
/* Its bits; as numbers they are in the order of what they are of. */
__device__ __forceinline__ uint32_t bits_of(const Row &row, float logit)
{
    const float z = row.temperature != 1 ? logit / row.temperature : logit;
    return __float_as_uint(expf(z - row.max) / row.sum);
}

__device__ __forceinline__ int exponent_of(uint32_t bits)
{
    return bits >> 23 ? (int)(bits >> 23) : 1;
}

__device__ __forceinline__ unsigned mantissa_of(uint32_t bits)
{
    return (bits & 0x7fffff) | (bits >> 23 ? 0x800000 : 0);
}

/* Mantissas of one exponent as p. More than 63 bits to the left are those of a bin of nothing. */
__device__ __forceinline__ uint64_t mass_of(const Row &row, uint64_t mantissas, int exponent)
{
    const int shift = exponent - 150 + row.scale;
    return shift >= 0 ? mantissas << shift % 64 : shift > -64 ? mantissas >> -shift : 0;
}

__device__ __forceinline__ uint64_t mass_of(const Row &row, uint32_t bits)
{
    return mass_of(row, mantissa_of(bits), exponent_of(bits));
}

__device__ __forceinline__ bool is_kept(const Row &row, uint32_t bits, int id)
{
    return bits > row.last.bits || (bits == row.last.bits && id <= row.last.id);
}

/* So that no sum is beyond 2^62: all p are at most 1 together, and n_valid times the largest. */
__device__ __forceinline__ int scale_for(uint32_t largest, int n_valid)
{
    const int fine = 38 - (32 - __clz(n_valid - 1)) + 150 - exponent_of(largest);
    return fine > 61 ? fine : 61;
}

/* ---- sums over the threads of a block -------------------------------------------------------- */
__device__ __forceinline__ uint64_t sum_up_to(uint64_t x) /* this lane */
{
    for (int o = 1; o < 32; o *= 2) {
        const uint64_t other = __shfl_up_sync(k_all_lanes, x, (unsigned)o);
        x += (int)threadIdx.x % 32 >= o ? other : 0;
    }
    return x;
}

/* What the threads before this one have of x, and all. part: of the block, for this call. */
__device__ __forceinline__ uint64_t sum_before(uint64_t x, uint64_t *part, uint64_t &all)
{
    const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32;
    const uint64_t sum = sum_up_to(x);
    if (lane == 31)
        part[warp] = sum;
    __syncthreads();
    const uint64_t warps = sum_up_to(lane < (int)blockDim.x / 32 ? part[lane] : 0);
    all = __shfl_sync(k_all_lanes, warps, 31);
    const uint64_t before = __shfl_sync(k_all_lanes, warps, (warp + 31) % 32);
    return (warp ? before : 0) + sum - x;
}

/* ---- the first id at which a sum is beyond a target ------------------------------------------ */
/* What an id weighs, and at how much of it the search ends: at more than aim; or where is_draw, at
 * more than u of the sum of all. */
struct Search {
    enum { KEPT_P, EQUAL_P, EQUAL_LOGIT } weight;
    uint32_t bits;
    float logit;
    bool is_draw;
    double u;
    uint64_t aim;
};

__device__ __forceinline__ uint64_t weight_of(const Row &row, const Search &by, float logit, int id)
{
    if (by.weight == Search::EQUAL_LOGIT)
        return logit == by.logit;
    const uint32_t bits = bits_of(row, logit);
    if (!is_kept(row, bits, id))
        return 0;
    return by.weight == Search::KEPT_P ? mass_of(row, bits) : bits == by.bits;
}

/* Weights of a chunk's ids from first on that are below end; their sum. */
__device__ __forceinline__ uint64_t weights_of(const Row &row, const Search &by,
                                               const k_chunk<float> &c, int first, int end,
                                               uint64_t (&w)[size])
{
    uint64_t sum = 0;
#pragma unroll
    for (int i = 0; i < size; i++) {
        w[i] = first + i < end ? weight_of(row, by, c.v[i], first + i) : 0;
        sum += w[i];
    }
    return sum;
}

/* The first valid id at which weights, summed in the order of ids, are more than is aimed at, which
 * is less than all. all: their sum. */
__device__ __forceinline__ int first_beyond(const Row &row, Shared &shared, const Search &by,
                                            uint64_t &all)
{
    constexpr int step = 32 * size;
    const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32;
    const int warps = (int)blockDim.x / 32;
    int begin = 0, end = row.n_valid;
    uint64_t aim = by.aim, w[size];
    do {
        const int part = ((end - begin + warps - 1) / warps + size - 1) / size * size;
        const int from = begin + warp * part, to = from + part < end ? from + part : end;
        uint64_t sum = 0;
        k_each_chunk<2>(row.logits, from + lane * size, to, step,
                        [&](int first, const k_chunk<float> &c) {
                            sum += weights_of(row, by, c, first, to, w);
                        });
        sum = sum_up_to(sum);
        if (lane == 31)
            shared.part[0][warp] = sum;
        __syncthreads();
        sum = sum_up_to(lane < warps ? shared.part[0][lane] : 0);
        if (end - begin == row.n_valid) {
            all = __shfl_sync(k_all_lanes, sum, 31);
            const uint64_t share = (uint64_t)(by.u * (double)all);
            aim = !by.is_draw ? by.aim : share < all ? share : all - 1;
        }
        const int which = __ffs((int)__ballot_sync(k_all_lanes, sum > aim)) - 1;
        const uint64_t before = __shfl_sync(k_all_lanes, sum, (which + 31) % 32);
        aim -= which > 0 ? before : 0;
        begin += which * part;
        end = begin + part < end ? begin + part : end;
        __syncthreads(); /* before the next sums are written */
    } while (end - begin > step);
    /* every warp does the rest */
    int id = begin + lane * size;
    k_chunk<float> c = {};
    if (id < end)
        c = k_logits_at(row.logits, id);
    uint64_t sum = weights_of(row, by, c, id, end, w);
    const uint64_t own = sum;
    sum = sum_up_to(sum);
    const int which = __ffs((int)__ballot_sync(k_all_lanes, sum > aim)) - 1;
    sum -= own;
#pragma unroll
    for (int i = 0; i < size; i++) {
        sum += w[i];
        id += sum <= aim;
    }
    return __shfl_sync(k_all_lanes, id, which);
}

/* ---- the last in rank that is kept ----------------------------------------------------------- */
/* Counts the kept ids whose p begins with `prefix` by the digit that follows it. Those whose p has
 * bits below least are not counted: what they have together is returned to each thread for its
 * own. */
__device__ __forceinline__ uint64_t tally(const Row &row, Shared &shared, int shift,
                                          uint32_t prefix, uint32_t least)
{
    uint64_t rest = 0;
    for (int b = (int)threadIdx.x; b < bins; b += (int)blockDim.x)
        shared.count[b] = shared.low[b] = shared.high[b] = 0;
    __syncthreads();
    k_each_chunk<2>(row.logits, (int)threadIdx.x * size, row.n_valid, (int)blockDim.x * size,
                    [&](int first, const k_chunk<float> &c) {
#pragma unroll
                        for (int i = 0; i < size; i++) {
                            const uint32_t bits = bits_of(row, c.v[i]),
                                           bin = (bits >> shift) % bins;
                            if (first + i >= row.n_valid || bits == 0 ||
                                !is_kept(row, bits, first + i) || bits >> shift >> digit != prefix)
                                continue;
                            if (bits < least) {
                                rest += mass_of(row, bits);
                                continue;
                            }
                            const uint32_t within = bits & ((1U << shift) - 1);
                            atomicAdd(&shared.count[bin], 1U);
                            if (within % bins)
                                atomicAdd(&shared.low[bin], within % bins);
                            if (within / bins)
                                atomicAdd(&shared.high[bin], within / bins);
                        }
                    });
    __syncthreads();
    return rest;
}

/* What the ids of a bin have together. */
__device__ __forceinline__ uint64_t mass_of_bin(const Row &row, const Shared &shared, int shift,
                                                uint32_t prefix, int bin)
{
    const uint32_t floor = (prefix << digit | (uint32_t)bin) << shift;
    const uint64_t within = (uint64_t)shared.high[bin] * bins + shared.low[bin];
    return mass_of(row, (uint64_t)shared.count[bin] * mantissa_of(floor) + within,
                   exponent_of(floor));
}

/* Where the cut falls. top_k: behind so many; 0: behind the first of which all up to it have at
 * least top_p of what all kept have. Those whose p has bits below least cannot be at it. */
struct Cut {
    unsigned top_k;
    float top_p;
    uint32_t least;
};

__device__ __forceinline__ uint64_t aim_of(const Cut &cut, uint64_t all)
{
    const double share = ceil((double)all * (double)cut.top_p);
    return cut.top_k ? cut.top_k - 1 : share > 1 ? (uint64_t)share - 1 : 0;
}

/* Finds in the tallied bins, larger ones first, the one in which the sum of weights (ids, or p) is
 * first beyond aim - over; where nothing has been over, aim is found first, from the sum of all. To
 * shared.found; false: no bin has any weight. */
__device__ __forceinline__ bool find_bin(const Row &row, Shared &shared, int shift, uint32_t prefix,
                                         const Cut &cut, uint64_t rest, uint64_t over,
                                         uint64_t &aim)
{
    const int per = bins / (int)blockDim.x, top = bins - 1 - (int)threadIdx.x * per;
    uint64_t n = 0, mass = 0, n_all, all, all_rest;
    for (int bin = top; bin > top - per; bin--) {
        n += shared.count[bin];
        mass += mass_of_bin(row, shared, shift, prefix, bin);
    }
    const uint64_t n_before = sum_before(n, shared.part[0], n_all);
    const uint64_t before = sum_before(mass, shared.part[1], all);
    sum_before(rest, shared.part[2], all_rest);
    if (shift == first_shift)
        aim = aim_of(cut, all + all_rest);
    const uint64_t weight = cut.top_k ? n_all : all, left = aim > over ? aim - over : 0;
    const uint64_t target = left < weight ? left : weight - 1;
    uint64_t begins = cut.top_k ? n_before : before;
    for (int bin = top; bin > top - per && weight; bin--) {
        const uint64_t has =
            cut.top_k ? shared.count[bin] : mass_of_bin(row, shared, shift, prefix, bin);
        if (begins <= target && target < begins + has)
            shared.found = { bin, shared.count[bin], begins };
        begins += has;
    }
    __syncthreads();
    return weight != 0;
}

/* The last that is kept by a cut; or where that is one of several with its p, how many of them are
 * kept before it, and true. */
__device__ __forceinline__ bool last_kept(const Row &row, Shared &shared, const Cut &cut,
                                          Last &last, uint64_t &more)
{
    uint32_t prefix = 0;
    uint64_t aim = 0, over = 0;
    last.id = INT32_MAX;
#pragma unroll 1
    for (int shift = first_shift; shift >= 0; shift -= digit) {
        const uint64_t rest = tally(row, shared, shift, prefix, cut.least);
        const bool has_any = find_bin(row, shared, shift, prefix, cut, rest, over, aim);
        last.bits = prefix << digit << shift;
        if (!has_any)
            return false;
        last.bits |= (uint32_t)shared.found.bin << shift;
        prefix = last.bits >> shift;
        over += shared.found.before;
        if (shared.found.count == 1)
            return false;
    }
    const uint64_t one = cut.top_k ? 1 : mass_of(row, prefix);
    more = one && aim > over ? (aim - over) / one : 0;
    return more + 1 < shared.found.count;
}

/* ---- a row ----------------------------------------------------------------------------------- */
/* The filter of a step, 0 top-k, 1 top-p; false where it is off. largest: of p. */
__device__ __forceinline__ bool cut_of(Cut &cut, const Row &row, const k_sample_row &how, int step,
                                       float largest)
{
    cut = { 0, how.top_p, 0 };
    if (step == 0) {
        cut.top_k = how.min_p > 1 ? 1 : (unsigned)how.top_k; /* more than the largest: the first */
        return how.min_p > 1 || (how.top_k > 0 && how.top_k < row.n_valid);
    }
    /* All of p are at least the largest. What is below this share of it has less than half of
     * (1 - top_p), however much of it there is; and whole bins only are left out. */
    const float least = largest * fminf(1 - how.top_p, 1) / (float)row.n_valid * 0.5F;
    cut.least = __float_as_uint(least) >> first_shift << first_shift;
    return how.top_p < 1;
}

__device__ __forceinline__ void keep(Row &row, const Last &last)
{
    if (is_kept(row, last.bits, last.id))
        row.last = last;
}

/* Cuts row.last by top-k and top-p, then by min-p; then searches the id, by what is given. Steps of
 * one loop, so that there is one copy of the search, which cuts between equal p want as well. */
__device__ __forceinline__ int search(Row &row, Shared &shared, const k_sample_row &how,
                                      const Search &by, float largest, uint64_t &all)
{
#pragma unroll 1
    for (int step = by.is_draw ? 0 : 2;; step++) {
        Search now = by;
        Cut cut;
        Last last;
        if (step < 2) {
            if (!cut_of(cut, row, how, step, largest))
                continue;
            now = { Search::EQUAL_P, 0, 0, false, 0, 0 };
            if (!last_kept(row, shared, cut, last, now.aim)) {
                keep(row, last);
                continue;
            }
            now.bits = last.bits;
        } else if (by.is_draw) {
            now.u = k_draw(how.seed, how.prompt, how.sample, how.position);
            if (how.min_p > 0 && how.min_p <= 1)
                keep(row, { __float_as_uint(how.min_p * largest), INT32_MAX });
        }
        const int id = first_beyond(row, shared, now, all);
        if (step == 2)
            return id;
        keep(row, { last.bits, id });
    }
}

__global__ void __launch_bounds__(k_row_threads_most, 2) sample(k_sample a, bool is_whole)
{
    __shared__ Shared shared;
    const k_sample_row &how = a.how[blockIdx.x];
    const bool is_greedy = !(how.temperature > 0);
    Row row = {};
    row.logits = { static_cast<const float *>(a.logits) + blockIdx.x * a.vocab, (int)a.vocab,
                   is_whole };
    row.n_valid = (int)a.n_valid;
    row.last = { 0, INT32_MAX };
    row.temperature = is_greedy ? 1 : how.temperature;
    const k_distribution of = k_softmax_row(row.logits, row.n_valid, row.temperature);
    if (a.entropy && threadIdx.x == 0)
        static_cast<float *>(a.entropy)[blockIdx.x] = of.entropy;
    row.max = of.max;
    row.sum = of.sum;
    const float largest = expf(of.top - of.max) / of.sum;
    float total = largest > 0 ? 1 : largest; /* NaN: one of p is no number, so none is */
    int id = 0;
    /* there is something to draw from; or something is larger than the first, if not it */
    if (is_greedy ? row.logits.p[0] == row.logits.p[0] : largest > 0) {
        const Search by = {
            is_greedy ? Search::EQUAL_LOGIT : Search::KEPT_P, 0, of.top, !is_greedy, 0, 0
        };
        uint64_t all;
        row.scale = scale_for(__float_as_uint(largest), row.n_valid);
        id = search(row, shared, how, by, largest, all);
        total = ldexpf((float)all, -row.scale);
    }
    if (threadIdx.x != 0)
        return;
    a.ids[blockIdx.x] = id;
    const float logp = k_log_probability(of, row.logits.p[id] / row.temperature);
    if (a.logp)
        static_cast<float *>(a.logp)[blockIdx.x] = logp;
    if (a.kept_logp)
        static_cast<float *>(a.kept_logp)[blockIdx.x] = is_greedy ? 0 : logp - logf(total);
}
} /* namespace */

size_t k_cuda_sample_scratch(k_device *, int64_t, int64_t)
{
    return 64; /* none is needed; a call must name some all the same */
}

int k_cuda_sample(k_device *dev, const k_sample *a)
{
    if (a->type != K_F32)
        return K_ETYPE;
    if (!a->logits || !a->how || !a->ids || !a->scratch || a->rows < 0 || a->rows > INT32_MAX ||
        a->n_valid <= 0 || a->n_valid > a->vocab || a->vocab > most_ids)
        return K_EARG;
    if (a->rows == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    K_LAUNCH(sample, dim3((unsigned)a->rows), dim3((unsigned)k_row_threads(a->vocab)), 0, d->stream,
             *a, k_is_whole<float>(a->logits, a->vocab));
    return k_cuda_launched();
}
