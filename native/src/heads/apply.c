/* apply.c - a head's arithmetic. The sums of kernels may cancel and are in double precision. */
#include <math.h>
#include <string.h>

#include "heads/head.h"

/* ---- quantiles ---- */

/* Quantile function of the normal distribution, to 1 part in 10^7: PPND7 of M. J. Wichura,
 * "Algorithm AS 241", Applied Statistics 37 (1988). 0 < p < 1. */
static double normal_quantile(double p) TAGNODE_NONBLOCKING {
    const double q = p - 0.5;
    if (fabs(q) <= 0.425) {
        const double r = 0.180625 - q * q;
        return q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) /
               (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1);
    }
    double r = sqrt(-log(q < 0 ? p : 1 - p)), z;
    if (r <= 5) {
        r -= 1.6;
        z = (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) /
            ((0.12021132975 * r + 0.73700164250) * r + 1);
    } else {
        r -= 5;
        z = (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150) /
            ((0.012258202635 * r + 0.24197894225) * r + 1);
    }
    return q < 0 ? -z : z;
}

/* Returns how many of the ascending quantiles are below x, or with `equal` not above it. */
static uint32_t rank(const float *quantiles, uint32_t count, float x, bool equal)
    TAGNODE_NONBLOCKING {
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const bool below = equal ? quantiles[middle] <= x : quantiles[middle] < x;
        if (below)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Position of x between quantile `upper - 1` and the next, as a share of all of them. */
static double share(const float *quantiles, uint32_t count, uint32_t upper, float x)
    TAGNODE_NONBLOCKING {
    if (upper == 0) return 0;
    if (upper == count) return 1;
    const double low = quantiles[upper - 1], high = quantiles[upper];
    return (upper - 1 + (x - low) / (high - low)) / (count - 1);
}

/* scikit-learn's QuantileTransformer(output_distribution="normal"): among equal quantiles x is in
 * their middle; within 1e-7 of an end it is the end. The last `flags` values stay as they are. */
static void run_quantile(const head_stage *stage, const float *x, float *y) TAGNODE_NONBLOCKING {
    const double edge = 1e-7;
    const uint32_t ranked = stage->inputs - stage->flags;
    for (uint32_t i = 0; i < ranked; ++i) {
        const uint32_t count = stage->rows;
        const float *quantiles = stage->first + (size_t)i * count;
        double p = 0.5 * (share(quantiles, count, rank(quantiles, count, x[i], false), x[i]) +
                          share(quantiles, count, rank(quantiles, count, x[i], true), x[i]));
        if (x[i] + edge > quantiles[count - 1]) p = 1;
        if (x[i] - edge < quantiles[0]) p = 0;
        p = p < edge ? edge : p > 1 - edge ? 1 - edge : p;
        y[i] = (float)normal_quantile(p);
    }
    memcpy(y + ranked, x + ranked, stage->flags * sizeof *y);
}

/* ---- dense ---- */

static float logistic(float x) TAGNODE_NONBLOCKING {
    return 1.0F / (1.0F + expf(-x));
}

static void softmax(float *y, uint32_t count) TAGNODE_NONBLOCKING {
    float greatest = y[0], sum = 0;
    for (uint32_t i = 1; i < count; ++i) greatest = y[i] > greatest ? y[i] : greatest;
    for (uint32_t i = 0; i < count; ++i) sum += y[i] = expf(y[i] - greatest);
    for (uint32_t i = 0; i < count; ++i) y[i] /= sum;
}

static void activate(head_activation activation, float *y, uint32_t count) TAGNODE_NONBLOCKING {
    if (activation == HEAD_ACTIVATE_RELU)
        for (uint32_t i = 0; i < count; ++i) y[i] = y[i] > 0 ? y[i] : 0;
    if (activation == HEAD_ACTIVATE_TANH)
        for (uint32_t i = 0; i < count; ++i) y[i] = tanhf(y[i]);
    if (activation == HEAD_ACTIVATE_LOGISTIC)
        for (uint32_t i = 0; i < count; ++i) y[i] = logistic(y[i]);
    if (activation == HEAD_ACTIVATE_SOFTMAX) softmax(y, count);
}

/* Four floats in a register; some compilers keep loops over an array of sums in memory. */
typedef float four __attribute__((vector_size(16)));
enum { FOURS = HEAD_PANEL / 4 };

/* One panel of outputs; each is summed in the order of the inputs. */
static void run_dense(const head_stage *stage, const float *x, float *y) TAGNODE_NONBLOCKING {
    const float *weights = stage->first;
    for (uint32_t at = 0; at < stage->outputs; at += HEAD_PANEL) {
        four sum[FOURS], weight[FOURS];
        memcpy(sum, stage->second + at, sizeof sum);
        for (uint32_t i = 0; i < stage->inputs; ++i, weights += HEAD_PANEL) {
            memcpy(weight, weights, sizeof weight);
            for (uint32_t j = 0; j < FOURS; ++j) sum[j] += x[i] * weight[j];
        }
        const uint32_t left = stage->outputs - at;
        memcpy(y + at, sum, (left < HEAD_PANEL ? left : HEAD_PANEL) * sizeof *y);
    }
    activate((head_activation)stage->flags, y, stage->outputs);
}

/* ---- kernels ---- */

static double power(double base, uint32_t exponent) TAGNODE_NONBLOCKING {
    double result = 1;
    for (; exponent > 0; --exponent) result *= base;
    return result;
}

/* The kernel of x with HEAD_LANES vectors: exp(-gamma |x - v|^2) or (gamma x v + coef0)^degree. */
static void kernels_of(const head_stage *stage, const float *x, const float *vectors, double *out)
    TAGNODE_NONBLOCKING {
    double sums[HEAD_LANES] = {0};
    const bool distance = stage->flags == HEAD_RBF;
    for (uint32_t i = 0; i < stage->inputs; ++i, vectors += HEAD_LANES) {
        for (uint32_t j = 0; j < HEAD_LANES; ++j) {
            const double off = (double)x[i] - vectors[j];
            sums[j] += distance ? off * off : (double)x[i] * vectors[j];
        }
    }
    for (uint32_t j = 0; j < HEAD_LANES; ++j)
        out[j] = distance ? exp(-stage->gamma * sums[j])
                          : power(stage->gamma * sums[j] + stage->coef0, stage->degree);
}

static void run_kernel(const head_stage *stage, const float *x, float *y, double *sums)
    TAGNODE_NONBLOCKING {
    const double *coefficients = stage->coefficients;
    memcpy(sums, stage->intercepts, stage->outputs * sizeof *sums);
    for (uint32_t at = 0; at < stage->rows; at += HEAD_LANES) {
        double kernel[HEAD_LANES];
        kernels_of(stage, x, stage->first + (size_t)at * stage->inputs, kernel);
        for (uint32_t j = 0; j < HEAD_LANES && at + j < stage->rows; ++j)
            for (uint32_t i = 0; i < stage->outputs; ++i) sums[i] += *coefficients++ * kernel[j];
    }
    for (uint32_t i = 0; i < stage->outputs; ++i) y[i] = (float)sums[i];
}

static void run_sigmoids(const head_stage *stage, const float *x, float *y) TAGNODE_NONBLOCKING {
    float sum = 0;
    for (uint32_t i = 0; i < stage->inputs; ++i)
        sum += y[i] = logistic(-(stage->first[i] * x[i] + stage->second[i]));
    if (stage->flags == 0) return;
    for (uint32_t i = 0; i < stage->inputs; ++i)
        y[i] = sum > 0 ? y[i] / sum : 1.0F / (float)stage->inputs;
}

/* ---- the head ---- */

/* Two arrays of floats between stages, and the sums of a kernel stage. */
size_t tagnode_head_room(const tagnode_head *head) {
    return 2 * (size_t)head->widest;
}

void tagnode_head_apply(const tagnode_head *head, const float *embedding, float *values,
                        double *room) {
    float *const between[2] = {(float *)room, (float *)room + head->widest};
    double *sums = room + head->widest;
    const float *x = embedding;
    for (uint32_t i = 0; i < head->stages; ++i) {
        const head_stage *stage = &head->stage[i];
        float *y = i + 1 == head->stages ? values : between[i % 2];
        switch (stage->kind) {
        case HEAD_AFFINE:
            for (uint32_t j = 0; j < stage->inputs; ++j)
                y[j] = x[j] * stage->first[j] + stage->second[j];
            break;
        case HEAD_QUANTILE: run_quantile(stage, x, y); break;
        case HEAD_DENSE: run_dense(stage, x, y); break;
        case HEAD_KERNEL: run_kernel(stage, x, y, sums); break;
        case HEAD_SIGMOIDS: run_sigmoids(stage, x, y); break;
        }
        x = y;
    }
    for (uint32_t i = 0; i < head->outputs; ++i)
        if (!isfinite(values[i])) values[i] = 0;
}
