/* tagnode.h - real-time music analysis: audio blocks in, descriptors and parameter automation out.
 *
 * A node takes blocks of audio of any size at any rate from 8 to 192 kHz, computes a log-mel
 * spectrogram, runs a music tagger on it and measures signals (level, loudness, tempo ...). Its
 * results are descriptor frames and signal frames at a constant latency. A complete program that
 * measures the level of a sine:
 *
 *     #include <math.h>
 *     #include <stdio.h>
 *     #include <stdlib.h>
 *     #include <tagnode.h>
 *
 *     int main(void) {
 *         tagnode *node = NULL;
 *         tagnode_message why = {""};
 *         tagnode_setup setup = tagnode_setup_default();
 *         setup.channels = 1;
 *         if (tagnode_create(&node) != TAGNODE_OK ||
 *             tagnode_prepare(node, NULL, &setup, &why) != TAGNODE_OK) {
 *             fprintf(stderr, "%s\n", why.text);
 *             return 1;
 *         }
 *         tagnode_frame frame = {0};
 *         float block[480], *values = calloc(tagnode_signal_count(), sizeof *values);
 *         for (int n = 0; n < 48000; n += 480) {
 *             for (int i = 0; i < 480; ++i) block[i] = sinf(0.0625F * (float)(n + i));
 *             tagnode_process(node, (const float *const[]){block}, 480);
 *             while (tagnode_read_signals(node, &frame, values, 1) == 1) continue;
 *         }
 *         printf("%.2f s: %.1f dBFS\n", (double)frame.end / setup.sample_rate,
 *                (double)values[TAGNODE_SIGNAL_RMS_DB]);
 *         free(values);
 *         tagnode_destroy(node);
 *     }
 *
 * With a model, tagnode_model_load_inline() comes first, tagnode_prepare() gets it in its parts,
 * and tagnode_read() returns its tags.
 *
 * Positions are int64 counts of input samples since prepare or reset.
 *
 * Each function lists the threads that may call it:
 *   [main]    one thread at a time, usually the program's; the function may allocate and block
 *   [audio]   the audio thread: no allocation, lock, system call or wait
 *   [reader]  the one thread that reads results; equally free of allocation and waiting
 *   [any]     any thread, at any time
 * An object is active while its [audio] or [reader] functions may be running; `not active` means
 * that none of them may be. [audio] and [reader] may run at once. Models and heads are immutable
 * once loaded and may be shared by nodes on different threads.
 *
 * Functions that can fail return a tagnode_status. Where they take `why`, they write one sentence
 * to it: what was given, what was expected, what to do. `why` may be NULL. Pointers to results may
 * not be NULL unless stated. */
#ifndef TAGNODE_H
#define TAGNODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; tagnode_version() returns that of the library. The build files and
 * the Python package read it from here. */
#define TAGNODE_VERSION_MAJOR 0
#define TAGNODE_VERSION_MINOR 1
#define TAGNODE_VERSION_PATCH 0

#define TAGNODE_VERSION_JOIN_(major, minor, patch) #major "." #minor "." #patch
#define TAGNODE_VERSION_JOIN(major, minor, patch) TAGNODE_VERSION_JOIN_(major, minor, patch)
#define TAGNODE_VERSION                                                                            \
    TAGNODE_VERSION_JOIN(TAGNODE_VERSION_MAJOR, TAGNODE_VERSION_MINOR, TAGNODE_VERSION_PATCH)

/* Marks functions for the audio thread, so that clang (>= 20) checks them: -Wfunction-effects when
 * compiling, -fsanitize=realtime at run time. */
#if defined(__clang__) && defined(__has_attribute)
#if __has_attribute(nonblocking)
#define TAGNODE_NONBLOCKING __attribute__((nonblocking))
#endif
#endif
#ifndef TAGNODE_NONBLOCKING
#define TAGNODE_NONBLOCKING
#endif

#if defined(__GNUC__) && !defined(TAGNODE_API)
#define TAGNODE_API __attribute__((visibility("default")))
#elif !defined(TAGNODE_API)
#define TAGNODE_API
#endif

enum {
    TAGNODE_MIN_RATE = 8000,   /* Hz */
    TAGNODE_MAX_RATE = 192000, /* Hz */
    TAGNODE_MAX_CHANNELS = 8,
    TAGNODE_MAX_HOP = 600,       /* seconds between two descriptor frames */
    TAGNODE_MAX_BLOCK = 1048576, /* samples a channel */
    TAGNODE_MAX_BANDS = 256,     /* mel bands */
    TAGNODE_MAX_OUTPUTS = 8,     /* outputs of a model */
    TAGNODE_MAX_SIZE = 262144,   /* floats of an output */
    TAGNODE_MAX_MODELS = 8,      /* models in one node */
    TAGNODE_MAX_HEADS = 32       /* heads in one node */
};

typedef enum {
    TAGNODE_OK = 0,
    TAGNODE_ERROR_ARGUMENT,    /* a value outside its documented range; nothing changed */
    TAGNODE_ERROR_MEMORY,      /* out of memory; nothing changed */
    TAGNODE_ERROR_MODEL,       /* the model or head file is damaged, or does not match its card */
    TAGNODE_ERROR_UNSUPPORTED, /* a valid model that this runtime cannot run */
    TAGNODE_ERROR_RUNTIME      /* an external runtime is missing, or failed */
} tagnode_status;

/* Room for the sentence that explains a failure. */
typedef struct {
    char text[256];
} tagnode_message;

/* Returns the status as a word: "ok", "argument", "memory", "model", "unsupported", "runtime";
 * "unknown" for any other value. [any] */
TAGNODE_API const char *tagnode_status_name(tagnode_status status);

/* Returns the library's version, "0.1.0". [any] */
TAGNODE_API const char *tagnode_version(void);

/* Writes the library's version as numbers; each pointer may be NULL. [any] */
TAGNODE_API void tagnode_version_numbers(uint32_t *major, uint32_t *minor, uint32_t *patch);

/* Return the instruction sets in use on this machine: the front-end's and descriptors' ("portable",
 * "avx2", "avx512"), and the inline models' int8 kernels' ("portable", "avx2", "avxvnni",
 * "avx512vnni", "neon", "neondot", "simd128"). The environment variable TAGNODE_ISA selects another
 * one that the machine supports; "avx512" selects it for both. It is read at each create, load and
 * prepare. [main] */
TAGNODE_API const char *tagnode_frontend_instruction_set(void);
TAGNODE_API const char *tagnode_model_instruction_set(void);

/* -------------------------------------------------------------------------------- front-end --- */

typedef enum { TAGNODE_WINDOW_HANN_PERIODIC, TAGNODE_WINDOW_HANN_SYMMETRIC } tagnode_window;
typedef enum {
    TAGNODE_MEL_SLANEY,
    TAGNODE_MEL_HTK,
    TAGNODE_MEL_NONE /* no filters: the bands are the first bins of the spectrum */
} tagnode_mel_scale;
/* The axis on which a filter rises and falls linearly: Hz, as in librosa, or mel, as in VGGish and
 * TensorFlow's linear_to_mel_weight_matrix. */
typedef enum { TAGNODE_TRIANGLES_HERTZ, TAGNODE_TRIANGLES_MEL } tagnode_mel_triangles;
/* Slaney: unit area, 2 / (f_hi - f_lo). */
typedef enum { TAGNODE_NORM_NONE, TAGNODE_NORM_SLANEY } tagnode_mel_norm;
typedef enum { TAGNODE_SPECTRUM_POWER, TAGNODE_SPECTRUM_MAGNITUDE } tagnode_spectrum;
/* Of each band, before the logarithm: x, its square or its square root. */
typedef enum { TAGNODE_EXPONENT_ONE, TAGNODE_EXPONENT_TWO, TAGNODE_EXPONENT_HALF } tagnode_exponent;
typedef enum {
    TAGNODE_LOG_NONE,     /* x */
    TAGNODE_LOG_LOG10_1P, /* log10(1 + log_parameter * x); MusiCNN, log_parameter 10000 */
    TAGNODE_LOG_OFFSET,   /* ln(x + log_parameter); VGGish, log_parameter 0.01 */
    TAGNODE_LOG_DB,       /* 10 log10(max(x, log_parameter)) of a power, 20 of a magnitude */
    TAGNODE_LOG_FLOOR,    /* ln(max(x, log_parameter)) */
    TAGNODE_LOG_ZERO      /* ln(x), and ln(log_parameter) where x is 0. It equals TAGNODE_LOG_FLOOR
                             except for x above 0 and below log_parameter */
} tagnode_log;
/* Where frame j is: its middle at sample j * hop, after zeros (librosa's center=True with
 * pad_mode="constant", Essentia's FrameCutter), or its first sample at j * hop (tf.signal.stft,
 * Essentia's startFromZero; librosa's center=False, where frame and fft are equal). */
typedef enum { TAGNODE_FRAMING_CENTRED, TAGNODE_FRAMING_FROM_ZERO } tagnode_framing;
/* What is done to all values of a patch before the model; MAX is the largest of them, and RANGE
 * the card's patch_range. */
typedef enum {
    TAGNODE_PATCH_NONE,
    TAGNODE_PATCH_Z_SCORE,    /* (x - mean) / deviation; a deviation of 0 counts as 1 */
    TAGNODE_PATCH_MAX,        /* x / MAX; a MAX of 0 counts as 1 */
    TAGNODE_PATCH_TOP_DB,     /* max(x, MAX - RANGE); librosa's top_db */
    TAGNODE_PATCH_RELATIVE_DB /* max(x - MAX, -RANGE) */
} tagnode_patch_norm;

/* Return the name of a setting's value as model cards spell it ("hann-periodic", "log10-1p" ...);
 * NULL for a value that does not exist, so counting up from 0 to the first NULL lists all. [any] */
TAGNODE_API const char *tagnode_window_name(uint32_t window) TAGNODE_NONBLOCKING;
TAGNODE_API const char *tagnode_mel_scale_name(uint32_t scale) TAGNODE_NONBLOCKING;
TAGNODE_API const char *tagnode_mel_triangles_name(uint32_t triangles) TAGNODE_NONBLOCKING;
TAGNODE_API const char *tagnode_mel_norm_name(uint32_t norm) TAGNODE_NONBLOCKING;
TAGNODE_API const char *tagnode_spectrum_name(uint32_t spectrum) TAGNODE_NONBLOCKING;
TAGNODE_API const char *tagnode_exponent_name(uint32_t exponent) TAGNODE_NONBLOCKING;
TAGNODE_API const char *tagnode_log_name(uint32_t log) TAGNODE_NONBLOCKING;
TAGNODE_API const char *tagnode_framing_name(uint32_t framing) TAGNODE_NONBLOCKING;
TAGNODE_API const char *tagnode_patch_norm_name(uint32_t norm) TAGNODE_NONBLOCKING;

/* Settings of a model's spectrogram, log-mel as a rule: "mel frame" and "mel band" stand for those
 * of a linear spectrum, too. */
typedef struct {
    uint32_t sample_rate; /* the model's, Hz, 8000 to 48000 */
    uint32_t frame;       /* samples in a window, 2 to fft */
    uint32_t fft;         /* points, 256 to 4096, a power of 2; a shorter frame is zero-padded */
    uint32_t hop;         /* samples between two mel frames, 1 to frame */
    uint32_t bands;       /* mel bands, 1 to TAGNODE_MAX_BANDS; of TAGNODE_MEL_NONE up to
                             fft / 2 + 1 */
    tagnode_window window;
    tagnode_mel_scale mel_scale; /* TAGNODE_MEL_NONE ignores triangles, norm, fmin, fmax */
    tagnode_mel_triangles mel_triangles;
    tagnode_mel_norm mel_norm;
    tagnode_spectrum spectrum;
    tagnode_exponent exponent;
    tagnode_log log;
    tagnode_framing framing;
    double log_parameter; /* see tagnode_log; 1e-30 to 1e30, for TAGNODE_LOG_OFFSET from 0 */
    double fmin, fmax;    /* Hz; 0 <= fmin < fmax <= sample_rate / 2 */
} tagnode_frontend_settings;

/* A streaming mel spectrogram; the signal before position 0 is zeros. */
typedef struct tagnode_frontend tagnode_frontend;

/* Creates a front-end for input at `sample_rate` Hz (8000 to 192000) with `channels` (1 to 8),
 * which are averaged. `*frontend` is NULL unless OK.
 * Returns OK, ERROR_ARGUMENT or ERROR_MEMORY. [main] */
TAGNODE_API tagnode_status tagnode_frontend_create(const tagnode_frontend_settings *settings,
                                                   uint32_t sample_rate, uint32_t channels,
                                                   tagnode_frontend **frontend,
                                                   tagnode_message *why);

/* Frees a front-end; NULL is allowed. [main, not active] */
TAGNODE_API void tagnode_frontend_destroy(tagnode_frontend *frontend);

/* Returns the largest number of mel frames that a process call with `frames` samples can complete.
 * [any] */
TAGNODE_API size_t tagnode_frontend_capacity(const tagnode_frontend *frontend, size_t frames)
    TAGNODE_NONBLOCKING;

/* Returns the resampler's delay in input samples, by which mel frames lag behind the input; 0 at
 * the model's rate. [any] */
TAGNODE_API uint32_t tagnode_frontend_delay(const tagnode_frontend *frontend) TAGNODE_NONBLOCKING;

/* Processes `frames` samples of each channel, full scale 1.0, and writes the mel frames that they
 * complete, `bands` floats each, to `mel`, which has room for tagnode_frontend_capacity(frames).
 * Returns their number. [audio] */
TAGNODE_API size_t tagnode_frontend_process(tagnode_frontend *frontend, const float *const *input,
                                            size_t frames, float *mel) TAGNODE_NONBLOCKING;

/* Returns to the state after create. [audio] */
TAGNODE_API void tagnode_frontend_reset(tagnode_frontend *frontend) TAGNODE_NONBLOCKING;

/* Returns how many non-finite samples were replaced by 0 since create or reset. [audio] */
TAGNODE_API uint64_t tagnode_frontend_replaced(const tagnode_frontend *frontend)
    TAGNODE_NONBLOCKING;

/* Resamples one channel of `length` samples from `from` to `to` Hz (8000 to 192000 each) with the
 * front-end's filter (linear phase, delay removed), and writes ceil(length * to / from) samples to
 * `output`. Non-finite samples count as 0.
 * Returns OK, ERROR_ARGUMENT or ERROR_MEMORY. [main] */
TAGNODE_API tagnode_status tagnode_resample(const float *input, size_t length, uint32_t from,
                                            uint32_t to, float *output, tagnode_message *why);

/* --------------------------------------------------------------------------------- spectra --- */

/* A short-time Fourier transform of a stream and its inverse, for networks that separate a mix into
 * stems by masks on its spectra. The window is Hann's (periodic) in both directions. */
typedef struct {
    uint32_t sample_rate; /* the model's, Hz, 8000 to 48000 */
    uint32_t frame;       /* samples in a window, 256 to 4096, a power of 2 */
    uint32_t hop;         /* samples between two windows; divides `frame` by 3 or more */
} tagnode_stft_settings;

typedef struct tagnode_stft tagnode_stft;
typedef struct tagnode_istft tagnode_istft;

/* Creates a transform of `channels` (1 to 8) at `sample_rate` Hz (8000 to 192000), which are
 * resampled to the model's rate. Window i starts at sample (i * hop - frame) of the resampled
 * stream, before which there are zeros. `*stft` is NULL unless OK.
 * Returns OK, ERROR_ARGUMENT or ERROR_MEMORY. [main] */
TAGNODE_API tagnode_status tagnode_stft_create(const tagnode_stft_settings *settings,
                                               uint32_t sample_rate, uint32_t channels,
                                               tagnode_stft **stft, tagnode_message *why);

/* Frees a transform; NULL is allowed. [main, not active] */
TAGNODE_API void tagnode_stft_destroy(tagnode_stft *stft);

/* Returns the largest number of spectra that a process call with `frames` samples can complete.
 * [any] */
TAGNODE_API size_t tagnode_stft_capacity(const tagnode_stft *stft, size_t frames)
    TAGNODE_NONBLOCKING;

/* Returns the resampler's delay in input samples, by which spectra lag behind the input; 0 at the
 * model's rate. [any] */
TAGNODE_API uint32_t tagnode_stft_delay(const tagnode_stft *stft) TAGNODE_NONBLOCKING;

/* Processes `frames` samples of each channel, full scale 1.0, and writes the spectra that they
 * complete to `spectra`, which has room for tagnode_stft_capacity(frames): for each of them bins 0
 * to frame / 2, for each bin all channels, real and imaginary part. Returns their number. [audio]
 */
TAGNODE_API size_t tagnode_stft_process(tagnode_stft *stft, const float *const *input,
                                        size_t frames, float *spectra) TAGNODE_NONBLOCKING;

/* Returns to the state after create. [audio] */
TAGNODE_API void tagnode_stft_reset(tagnode_stft *stft) TAGNODE_NONBLOCKING;

/* Returns how many non-finite samples were replaced by 0 since create or reset. [audio] */
TAGNODE_API uint64_t tagnode_stft_replaced(const tagnode_stft *stft) TAGNODE_NONBLOCKING;

/* Creates the inverse of tagnode_stft_create() with the same parameters; `sample_rate` is that of
 * the output. Unchanged spectra give the same samples, to 1e-6 of full scale at the model's rate.
 * `*istft` is NULL unless OK. Returns OK, ERROR_ARGUMENT or ERROR_MEMORY. [main] */
TAGNODE_API tagnode_status tagnode_istft_create(const tagnode_stft_settings *settings,
                                                uint32_t sample_rate, uint32_t channels,
                                                tagnode_istft **istft, tagnode_message *why);

/* Frees a transform; NULL is allowed. [main, not active] */
TAGNODE_API void tagnode_istft_destroy(tagnode_istft *istft);

/* Returns the largest number of samples that `count` spectra can complete. [any] */
TAGNODE_API size_t tagnode_istft_capacity(const tagnode_istft *istft, size_t count)
    TAGNODE_NONBLOCKING;

/* Returns the resampler's delay in samples at the model's rate, by which the output lags behind the
 * spectra; 0 at that rate. [any] */
TAGNODE_API uint32_t tagnode_istft_delay(const tagnode_istft *istft) TAGNODE_NONBLOCKING;

/* Adds `count` spectra, and writes the samples of each channel that they complete, from sample 0 of
 * the stream on, to `output`, which has room for tagnode_istft_capacity(count) each. Returns their
 * number a channel. [audio] */
TAGNODE_API size_t tagnode_istft_process(tagnode_istft *istft, const float *spectra, size_t count,
                                         float *const *output) TAGNODE_NONBLOCKING;

/* Returns to the state after create. [audio] */
TAGNODE_API void tagnode_istft_reset(tagnode_istft *istft) TAGNODE_NONBLOCKING;

/* How the masks of a model of stems become the stems' spectra. */
typedef struct {
    uint32_t frame;    /* of the spectra, as in tagnode_stft_settings */
    uint32_t bins;     /* that the masks have, 1 to frame / 2 + 1 */
    uint32_t channels; /* 1 to TAGNODE_MAX_CHANNELS */
    uint32_t stems;    /* 1 or more */
    double exponent;   /* of the magnitudes whose shares are taken, above 0; 2 is the fastest */
    bool average;      /* bins above the masks get the mean share of those below; otherwise 0 */
} tagnode_shares;

/* Writes the magnitudes of the lowest bins of `count` spectra, bins * channels floats each. [any]
 */
TAGNODE_API void tagnode_spectrum_magnitudes(const float *spectra, size_t count,
                                             const tagnode_shares *shares, float *magnitudes);

/* Writes each stem's share of `count` spectra, to output[stem]: (mask * magnitude) ^ exponent over
 * the sum of all stems, times the spectrum. The masks of stem i, bins * channels floats a spectrum,
 * start at masks[i * stride]. `scratch` has room for (stems + 1) * bins * channels floats. [any] */
TAGNODE_API void tagnode_share_spectra(const float *masks, size_t stride, const float *spectra,
                                       size_t count, const tagnode_shares *shares, float *scratch,
                                       float *const *output);

/* ----------------------------------------------------------------------------------- models --- */

/* What a model takes and returns. */
typedef struct {
    tagnode_frontend_settings frontend;
    uint32_t patch_frames; /* mel frames in the model's input, 1 to 4096 */
    uint32_t outputs;      /* 1 to TAGNODE_MAX_OUTPUTS, in the order of the model's signature */
    uint32_t output_size[TAGNODE_MAX_OUTPUTS]; /* floats of each, 1 to TAGNODE_MAX_SIZE; output 0
                                                  are the activations */
    bool embedding_only; /* the model has no activations: output 0 is an embedding, too */
    bool silence_before; /* silence may be assumed before a stream: the model was trained on sounds
                            that begin within its window, after silence */
    tagnode_patch_norm patch_norm; /* of each patch by itself: windows of an inline model then share
                                      no work, so that each result costs that of a whole patch */
    double patch_range; /* dB, above 0 and up to 1000, of TAGNODE_PATCH_TOP_DB and _RELATIVE_DB */
} tagnode_card;

typedef struct tagnode_model tagnode_model;

/* Loads a .tflite model for the worker runtime, which runs LiteRT's C API on a thread of its own.
 * `library` is the path of libLiteRt.so; NULL: the dynamic linker searches. `bytes` and `card` are
 * copied. `*model` is NULL unless OK.
 * Returns OK, ERROR_ARGUMENT, ERROR_MEMORY, ERROR_RUNTIME (library missing or too old) or
 * ERROR_MODEL (a damaged file, or its tensors are not the card's: input [1, patch_frames, bands]
 * and outputs, all float32). [main] */
TAGNODE_API tagnode_status tagnode_model_load_litert(const char *library, const void *bytes,
                                                     size_t size, const tagnode_card *card,
                                                     tagnode_model **model, tagnode_message *why);

/* Loads an .onnx model for the worker runtime, which runs onnxruntime's C API on a thread of its
 * own. `library` is the path of libonnxruntime.so; otherwise as tagnode_model_load_litert. [main]
 */
TAGNODE_API tagnode_status tagnode_model_load_onnx(const char *library, const void *bytes,
                                                   size_t size, const tagnode_card *card,
                                                   tagnode_model **model, tagnode_message *why);

/* Loads a .tflite model for the inline runtime, which runs in slices within tagnode_process(), in
 * int8 or float32. `bytes` and `card` are copied; every offset and size in the file is
 * checked. `*model` is NULL unless OK.
 * Returns OK, ERROR_ARGUMENT, ERROR_MEMORY, ERROR_MODEL (a damaged file, or not what the card
 * describes) or ERROR_UNSUPPORTED (a valid model with an operation or type that this runtime lacks,
 * which `why` names; the worker runtime runs any model). [main] */
TAGNODE_API tagnode_status tagnode_model_load_inline(const void *bytes, size_t size,
                                                     const tagnode_card *card,
                                                     tagnode_model **model, tagnode_message *why);

/* An interpreter created elsewhere, by tflite-runtime for example, with its tensors allocated. */
typedef struct {
    int (*invoke)(void *handle); /* runs the model once, on the worker's thread; 0 is success */
    void *handle;
    float *input; /* patch_frames * bands floats, normalised as the card says */
    const float *output[TAGNODE_MAX_OUTPUTS];
} tagnode_interpreter;

/* Makes a model for the worker runtime from an interpreter. The caller keeps the interpreter alive,
 * and does not use it otherwise, until the model is released and every node with it destroyed. Only
 * one node at a time may be prepared with it. `*model` is NULL unless OK.
 * Returns OK, ERROR_ARGUMENT or ERROR_MEMORY. [main] */
TAGNODE_API tagnode_status tagnode_model_from_interpreter(const tagnode_interpreter *interpreter,
                                                          const tagnode_card *card,
                                                          tagnode_model **model,
                                                          tagnode_message *why);

/* Runs a model once on a patch of patch_frames * bands floats, which it normalises as its card
 * says. outputs[i] gets output_size[i] floats; NULL skips that output.
 * Returns OK, ERROR_MEMORY, ERROR_MODEL or ERROR_RUNTIME. [main] */
TAGNODE_API tagnode_status tagnode_model_run(tagnode_model *model, const float *patch,
                                             float *const *outputs, tagnode_message *why);

/* Releases the caller's reference; nodes that use the model keep it alive. NULL is allowed. [main]
 */
TAGNODE_API void tagnode_model_release(tagnode_model *model);

/* ------------------------------------------------------------------------------------ heads --- */

/* A small classifier on an output of a model, its embedding. A .head file is little-endian: the
 * bytes TAGHEAD1; uint32, the length of a JSON card, and the card, which is not read here; zeros up
 * to a multiple of 16; uint32, the number of stages, 1 to 16, plus 256 if the head was trained on
 * windows that begin with silence, too. Each stage is four uint32: its kind, rows, columns (floats
 * that it takes) and flags; then its arrays, float32 unless stated:
 *
 *     1 affine    1 row: scale, offset [columns]. x * scale + offset.
 *     2 quantile  [rows, columns - flags], ascending by row. The rank of x among them, as a
 *                 quantile of the normal distribution; scikit-learn's QuantileTransformer. The
 *                 last `flags` values, fewer than columns, stay as they are.
 *     3 dense     weights [rows, columns], bias [rows]. flags is the activation: 0 none, 1 relu,
 *                 2 tanh, 3 logistic, 4 softmax.
 *     4 kernel    uint32 outputs, uint32 degree, gamma, coef0, support vectors [rows, columns],
 *                 coefficients [outputs, rows], intercepts [outputs]; all float64 except the
 *                 vectors, as the terms of the sum may cancel. flags is the kernel: 0
 *                 exp(-gamma |x - v|^2), 1 (gamma x v + coef0)^degree.
 *     5 sigmoids  1 row: a, b [columns]. 1 / (1 + exp(a x + b)); flags 1: divided by their sum.
 *
 * Each stage takes the result of the one before it. */
typedef struct tagnode_head tagnode_head;

/* Reads a .head file; every size and value in it is checked. `bytes` is not kept. `*head` is NULL
 * unless OK. Returns OK, ERROR_ARGUMENT, ERROR_MEMORY or ERROR_MODEL (damaged). [main] */
TAGNODE_API tagnode_status tagnode_head_load(const void *bytes, size_t size, tagnode_head **head,
                                             tagnode_message *why);

/* Releases the caller's reference; nodes that use the head keep it alive. NULL is allowed. [main]
 */
TAGNODE_API void tagnode_head_release(tagnode_head *head);

/* Return the number of floats that the head takes (its embedding) and returns. [any] */
TAGNODE_API uint32_t tagnode_head_inputs(const tagnode_head *head) TAGNODE_NONBLOCKING;
TAGNODE_API uint32_t tagnode_head_outputs(const tagnode_head *head) TAGNODE_NONBLOCKING;

/* Runs the head on `count` embeddings, tagnode_head_inputs() floats each, as a node does, and
 * writes tagnode_head_outputs() floats for each to `values`. Returns OK or ERROR_MEMORY. [main] */
TAGNODE_API tagnode_status tagnode_head_run(const tagnode_head *head, const float *embeddings,
                                            size_t count, float *values, tagnode_message *why);

/* ------------------------------------------------------------------------------------- node --- */

typedef struct tagnode tagnode;

/* Begin with tagnode_setup_default() and change what differs. */
typedef struct {
    uint32_t sample_rate; /* Hz, 8000 to 192000 */
    uint32_t channels;    /* 1 to 8, averaged */
    uint32_t max_frames;  /* samples in the largest block, 1 to TAGNODE_MAX_BLOCK */
    double hop;           /* seconds between two descriptor frames, above 0 and up to
                             TAGNODE_MAX_HOP; rounded to whole mel frames of the first model's
                             front-end. Above a model's window
                             what lies between two windows costs no work of the model */
    double
        compute_latency; /* seconds allowed for a result, 0 to 60, or -1: automatic. The worker
                            runtime has this time, 0.25 s if automatic; a later result is late,
                            and its frame held. The inline runtime needs a time that follows from
                            the work of a hop, is never late, and waits longer if this is longer */
    int32_t embedding;   /* the output that frames carry beside the activations; -1: none */
    uint32_t queue;      /* descriptor frames kept for a late reader, 2 to 65536 */
    bool offline;        /* process waits for the worker: results are exact and repeatable */
    double signal_hop;   /* seconds between two signal frames, 0 (none) to 60; rounded to whole
                            mel frames, at least 1 */
    double silence_db;   /* dBFS, -120 to 0: an RMS level that stays below it is silence, */
    double silence_hold; /* after this many seconds, 0 to 3600 */
    uint32_t mel_queue;  /* mel frames kept for tagnode_read_mel(), 0 (none) to 65536 */
    bool whole_windows;  /* no result before every window is filled by the stream, even if the
                            cards allow silence before it */
} tagnode_setup;

/* Returns a valid setup: 48000 Hz, 2 channels, blocks of up to 8192 samples, a hop of 0.1 s,
 * automatic compute latency, no embedding, a queue of 1024, live, signals every 0.016 s, silence
 * below -60 dBFS for 2 s, no mel queue. [any] */
TAGNODE_API tagnode_setup tagnode_setup_default(void) TAGNODE_NONBLOCKING;

/* A head in a node, and the embedding that it takes: output `output` of model `model`. */
typedef struct {
    tagnode_head *head;
    uint32_t model, output;
} tagnode_placed_head;

/* What a node runs: no model, one, or several; and heads. */
typedef struct {
    tagnode_model *const *models;
    uint32_t model_count; /* 0 to TAGNODE_MAX_MODELS */
    const tagnode_placed_head *heads;
    uint32_t head_count;   /* 0 to TAGNODE_MAX_HEADS */
    const uint32_t *every; /* of each model, at least 1: how many descriptor frames share a result
                              of it, so that its hop is so many times the node's; NULL: 1 */
} tagnode_parts;

typedef enum {
    TAGNODE_WARMING, /* a window is not filled yet, and its model does not accept silence before the
                        stream: values are 0 */
    TAGNODE_FRESH,   /* values describe [start, end) */
    TAGNODE_HELD     /* a result was late or lost: all values of the last fresh frame, or 0 */
} tagnode_state;

typedef struct {
    int64_t start, end; /* the samples described, [start, end); start is at least 0 */
    int64_t emitted;    /* position at which it becomes readable: end + the total latency, always */
    tagnode_state state;
} tagnode_frame;

/* The latency in its parts, in input samples. `resampler` is that of the first model's front-end;
 * `compute` includes what another one's is longer. `frontend` is 0: a mel frame is ready with its
 * last sample. */
typedef struct {
    uint32_t resampler, frontend, compute, total;
} tagnode_latency;

typedef struct {
    int64_t position;     /* input samples processed */
    uint64_t mel_frames;  /* mel frames computed by the first front-end */
    uint64_t fresh, held; /* descriptor frames emitted in either state */
    uint64_t late;        /* results that came after their frame was due */
    uint64_t overruns;    /* mel frames lost because the worker was behind */
    uint64_t dropped;     /* descriptor frames overwritten before they were read */
    uint64_t replaced;    /* non-finite input samples replaced by 0 */
    uint64_t failures;    /* model runs that failed */
    uint64_t swaps;       /* models swapped in since prepare */
} tagnode_counters;

/* Creates an empty node; `*node` is NULL unless OK. Returns OK or ERROR_MEMORY. [main] */
TAGNODE_API tagnode_status tagnode_create(tagnode **node);

/* Stops the node's worker and frees the node; NULL is allowed. [main, not active] */
TAGNODE_API void tagnode_destroy(tagnode *node);

/* Prepares a node for processing: allocates, compiles the models, starts the worker and runs the
 * model once to warm it up. May be called again; on error the node keeps its former setup.
 *
 * `parts` names the models and heads, which the node retains; NULL: none. Descriptor frames carry
 * the activations of all models, one after the other, then the results of all heads for the same
 * window, and the embedding of the first model. Without a model there are signal frames only, from
 * MusiCNN's front-end, and `hop`, `compute_latency` and `embedding` are ignored.
 *
 * Inline models with the same front-end settings and hop share one; others, and each model of the
 * worker runtime, have their own. The first model's front-end is the node's clock: results are due
 * at its mel frames, and signals come from it. Another model's window ends with the last of its own
 * mel frames that ends by then, less than one of them earlier; where they are further apart than
 * the hop, frames repeat a result, as they do for a model with `every` above 1. Such a model has
 * one of its results at the first frame at which its window is filled. The latency is that of the
 * slowest, and the same for all.
 *
 * Frames are fresh once all windows are filled. A model whose card allows silence_before starts as
 * after digital silence: its first result, a hop after the beginning, is fresh. This does not apply
 * to a model with heads on an output other than the activations, unless they were trained on
 * windows that begin with silence, too.
 *
 * Heads add no latency: a head runs in the callback that emits the frame, for some microseconds if
 * it is linear or a small network; with support vectors its time grows with their number.
 *
 * Returns OK, ERROR_ARGUMENT (setup or parts out of range, or hop * `every` above TAGNODE_MAX_HOP;
 * a head for a model or output that does not exist or has another size), ERROR_MEMORY, ERROR_MODEL,
 * ERROR_RUNTIME or ERROR_UNSUPPORTED (the work of an inline model takes longer than a hop on this
 * machine, and the setup is not `offline`; `why` has both times). [main, not active] */
TAGNODE_API tagnode_status tagnode_prepare(tagnode *node, const tagnode_parts *parts,
                                           const tagnode_setup *setup, tagnode_message *why);

/* Replaces the inline model at `index` while tagnode_process() may be running. The new model is
 * prepared here, receives the same mel frames as the old one until its window is filled, and takes
 * over then: no frame is missing, held or moved. The old model is released in a later call. A
 * second swap before the first took over supersedes it.
 * Returns OK, ERROR_ARGUMENT (no such index; another window, front-end or output size; or it needs
 * more than the node's compute latency), ERROR_MODEL, ERROR_UNSUPPORTED or ERROR_MEMORY. [main] */
TAGNODE_API tagnode_status tagnode_swap(tagnode *node, uint32_t index, tagnode_model *model,
                                        tagnode_message *why);

/* Return latency and sizes, constant from prepare on and 0 before it: the latency in its parts; mel
 * frames between two descriptor frames; mel frames before the first fresh one (for the models given
 * to prepare); values in a descriptor frame (activations, then heads); floats of its embedding, 0
 * for none; mel bands. Mel frames and bands are those of the first front-end. [any] */
TAGNODE_API tagnode_latency tagnode_get_latency(const tagnode *node) TAGNODE_NONBLOCKING;
TAGNODE_API uint32_t tagnode_hop_frames(const tagnode *node) TAGNODE_NONBLOCKING;
TAGNODE_API uint32_t tagnode_first_frames(const tagnode *node) TAGNODE_NONBLOCKING;
TAGNODE_API uint32_t tagnode_value_count(const tagnode *node) TAGNODE_NONBLOCKING;
TAGNODE_API uint32_t tagnode_embedding_count(const tagnode *node) TAGNODE_NONBLOCKING;
TAGNODE_API uint32_t tagnode_band_count(const tagnode *node) TAGNODE_NONBLOCKING;

/* Processes `frames` samples (0 to max_frames; more are ignored) of each channel, full scale 1.0.
 * Pure arithmetic: no allocation, lock, system call or wait, unless the setup is `offline`. Does
 * nothing before prepare. [audio] */
TAGNODE_API void tagnode_process(tagnode *node, const float *const *input, uint32_t frames)
    TAGNODE_NONBLOCKING;

/* Forgets all input; positions and counters start at 0 again, and unread frames are discarded. Call
 * it between two process calls. [audio] */
TAGNODE_API void tagnode_reset(tagnode *node) TAGNODE_NONBLOCKING;

/* Reads up to `capacity` descriptor frames, oldest first. `values` gets tagnode_value_count()
 * floats a frame, `embeddings` tagnode_embedding_count(); either may be NULL. Frames that are not
 * read in time are overwritten, oldest first, and counted. Returns the number of frames read.
 * [reader] */
TAGNODE_API size_t tagnode_read(tagnode *node, tagnode_frame *frames, float *values,
                                float *embeddings, size_t capacity) TAGNODE_NONBLOCKING;

/* Reads up to `capacity` mel frames of the first front-end, before any patch_norm, oldest first;
 * `mel` gets tagnode_band_count() floats a frame. Frames that are not read in time are overwritten,
 * oldest first. Returns the number of frames read. [reader] */
TAGNODE_API size_t tagnode_read_mel(tagnode *node, float *mel, size_t capacity) TAGNODE_NONBLOCKING;

/* Returns the counters; each is exact, but together they may straddle a process call. [any] */
TAGNODE_API tagnode_counters tagnode_get_counters(const tagnode *node) TAGNODE_NONBLOCKING;

/* ---------------------------------------------------------------------------------- signals --- */

/* Measured descriptors, in the order of the values in a signal frame. All channels count, at the
 * input's rate; spectral ones use the mel frame's spectrum, which ends at half the front-end's rate
 * (8 kHz for MusiCNN). dB are relative to full scale 1.0; silence is -120. A measurement over a
 * time of its own ends at the frame's `end`; the signal before position 0 is silence. See
 * docs/signals.md. Later versions may append signals: tagnode_signal_count() returns how many. */
typedef enum {
    TAGNODE_SIGNAL_RMS_DB,              /* dBFS over 50 ms; a full-scale sine has -3.01 */
    TAGNODE_SIGNAL_PEAK_DB,             /* dBFS, sample peak over 50 ms */
    TAGNODE_SIGNAL_TRUE_PEAK_DB,        /* dBTP over 50 ms, oversampled as in BS.1770-4 */
    TAGNODE_SIGNAL_LOUDNESS_MOMENTARY,  /* LUFS over 0.4 s, BS.1770-4 and EBU Tech 3341; 4 channels
                                           are L R Ls Rs, 5 are L R C Ls Rs, 6 and more L R C LFE
                                           and surrounds */
    TAGNODE_SIGNAL_LOUDNESS_SHORT,      /* LUFS over 3 s */
    TAGNODE_SIGNAL_LOUDNESS_INTEGRATED, /* LUFS, gated, since prepare or reset */
    TAGNODE_SIGNAL_CREST_DB,            /* dB, peak over RMS, from 0 */
    TAGNODE_SIGNAL_BRIGHTNESS_HZ,       /* Hz, centroid of the magnitude spectrum; 0 in silence */
    TAGNODE_SIGNAL_FLATNESS,   /* 0 tone .. 1 noise: geometric over arithmetic mean of the power
                                  spectrum; 0 in silence */
    TAGNODE_SIGNAL_FLUX,       /* 0 .. 1, share of the magnitude spectrum that is new */
    TAGNODE_SIGNAL_ONSET,      /* dB, from 0: mean rise of the spectrum's critical bands; onset and
                                  flux are the largest since the previous signal frame */
    TAGNODE_SIGNAL_PERCUSSIVE, /* 0 harmonic .. 1 percussive share of the power spectrum */
    TAGNODE_SIGNAL_TEMPO_BPM,  /* BPM, 40 to 240; 0 at a confidence below 0.1 */
    TAGNODE_SIGNAL_TEMPO_CONFIDENCE, /* 0 .. 1, periodicity of the onsets of about 8 s */
    TAGNODE_SIGNAL_SILENCE,          /* 1 in silence as the setup defines it, otherwise 0 */
    TAGNODE_SIGNAL_BEAT_S,           /* s, a beat at the tempo found last; 0 before the first */
    TAGNODE_SIGNAL_CORRELATION,      /* -1 .. 1, of the first two channels over 3 s; mono 1 */
    TAGNODE_SIGNAL_SIDE_DB,          /* dB, -60 to 60: their difference over their sum */
    TAGNODE_SIGNAL_CHANNEL_LOW_DB,   /* dBFS over 3 s, the quietest channel but LFE */
    TAGNODE_SIGNAL_CHANNEL_HIGH_DB,  /* dBFS over 3 s, the loudest channel but LFE */
    TAGNODE_SIGNAL_CHANNEL_GAP_DB,   /* dB, from 0: the loudest over the quietest channel */
    TAGNODE_SIGNAL_DC_DB,            /* dBFS of the mean over 3 s, the largest of all channels */
    TAGNODE_SIGNAL_CLIPPING,         /* 0 .. 1, share of 3 s on flat tops at the extreme of a
                                        channel, the largest of all */
    TAGNODE_SIGNAL_HUM,              /* 0 .. 1, share of the power at 50 or 60 Hz and multiples */
    TAGNODE_SIGNAL_TONE,             /* 0 .. 1, share of the power in one steady tone, over 2 s */
    TAGNODE_SIGNAL_HISS,             /* 0 .. 1, share in steady broadband noise, over 2 s */
    TAGNODE_SIGNAL_PRESENCE,         /* 0 .. 1, K-weighted: 0 what is steady, and silence; 1 what
                                        changes as programme does, over 2 s */
    TAGNODE_SIGNAL_REPETITION,       /* 0 .. 1, correlation of 4 s with those 0.2 to 50 s before */
    TAGNODE_SIGNAL_END               /* of this header; callers ask tagnode_signal_count() */
} tagnode_signal_id;

/* A signal's name, unit and usual range. */
typedef struct {
    const char *name;    /* "rms_db"; the descriptor is signal.rms_db */
    const char *unit;    /* "dBFS", "dBTP", "LUFS", "dB", "Hz", "BPM" or "" */
    const char *meaning; /* a short description */
    float low, high;     /* usual range: a mapping's default for `low` and `high` */
    float window;        /* seconds up to the frame's end that it describes; 0: the mel frame */
} tagnode_signal;

/* Returns the number of signals, which is the number of values in a signal frame. [any] */
TAGNODE_API uint32_t tagnode_signal_count(void) TAGNODE_NONBLOCKING;

/* Returns a signal's entry in the table, valid forever; NULL from tagnode_signal_count() on. [any]
 */
TAGNODE_API const tagnode_signal *tagnode_signal_info(uint32_t signal) TAGNODE_NONBLOCKING;

/* Reads up to `capacity` signal frames, oldest first; `values` gets tagnode_signal_count() floats a
 * frame. `start` and `end` are those of its mel frame; it is emitted at `end` plus the latency of
 * resampler and front-end, and always fresh. The ring holds the setup's `queue` frames and those of
 * one block of max_frames; frames that are not read in time are overwritten, oldest first. Returns
 * the number of frames read. [reader] */
TAGNODE_API size_t tagnode_read_signals(tagnode *node, tagnode_frame *frames, float *values,
                                        size_t capacity) TAGNODE_NONBLOCKING;

/* ------------------------------------------------------------------------------- automation --- */

typedef enum { TAGNODE_CURVE_LIN, TAGNODE_CURVE_LOG, TAGNODE_CURVE_EXP } tagnode_curve;
typedef enum { TAGNODE_GATE_NONE, TAGNODE_GATE_ABOVE, TAGNODE_GATE_BELOW } tagnode_gate;
typedef enum {
    TAGNODE_COMBINE_SUM, /* the first mapping's min, plus each mapping's distance from its own min
                          */
    TAGNODE_COMBINE_MAX  /* the mapping that is farthest from its own min */
} tagnode_combine;

enum { TAGNODE_MAX_MAPPINGS = 16 /* on one parameter */ };

/* How a descriptor controls a parameter, in this order:
 *
 *   median          of the descriptor's results of this time (of an even number the lower one), at
 *                   most 640 of them: a result that stands alone is ignored, a change that lasts is
 *                   followed half of that time later
 *   gate or range   to 0..1. A gate opens (1) at the threshold and closes (0) when the descriptor
 *                   has returned beyond the hysteresis; without a gate, `low` maps to 0 and `high`
 *                   to 1, clamped
 *   invert          1 - x
 *   hold            a value is held when it begins to fall; it then follows the fall, and is not
 *                   held again before it has risen
 *   delay           delays all changes
 *   attack, release exponential smoothing upwards and downwards
 *   depth           scales it
 *   curve, min, max onto the parameter's range
 *
 * The envelope is before the curve: a rise of the descriptor is the attack even if min is larger
 * than max, and a time constant sounds alike on a scale in Hz and in dB. Times are in seconds, so
 * results do not depend on sample rate or block size. */
typedef struct {
    float median; /* seconds, 0 to 10; 0 takes every result as it is */
    tagnode_gate gate;
    float threshold;  /* in the descriptor's unit */
    float hysteresis; /* in the descriptor's unit, 0 or more */
    float low, high;  /* without a gate; must differ, and high may be the smaller */
    bool invert;
    float hold, delay;     /* seconds, 0 to 600 */
    float attack, release; /* seconds to cover 63 % of a step, 0 to 600; 0 is immediate */
    float depth;           /* 0 to 1 */
    tagnode_curve curve;   /* lin: equal steps; log: equal ratios (min, max above 0); exp: square */
    float min, max;        /* the parameter at 0 and at 1; min may be the larger */
} tagnode_mapping;

/* The knobs of a mapping: the fields above, in their order. */
typedef enum {
    TAGNODE_KNOB_MEDIAN,
    TAGNODE_KNOB_GATE,
    TAGNODE_KNOB_THRESHOLD,
    TAGNODE_KNOB_HYSTERESIS,
    TAGNODE_KNOB_LOW,
    TAGNODE_KNOB_HIGH,
    TAGNODE_KNOB_INVERT,
    TAGNODE_KNOB_HOLD,
    TAGNODE_KNOB_DELAY,
    TAGNODE_KNOB_ATTACK,
    TAGNODE_KNOB_RELEASE,
    TAGNODE_KNOB_DEPTH,
    TAGNODE_KNOB_CURVE,
    TAGNODE_KNOB_MIN,
    TAGNODE_KNOB_MAX /* the knob called "max" */
} tagnode_knob_id;

typedef enum { TAGNODE_KNOB_NUMBER, TAGNODE_KNOB_TOGGLE, TAGNODE_KNOB_CHOICE } tagnode_knob_kind;

/* What is known of a knob. */
typedef struct {
    const char *name;    /* "attack": the field in tagnode_mapping */
    const char *unit;    /* "s"; "descriptor" or "parameter": that one's unit; "": none */
    const char *meaning; /* one sentence */
    tagnode_knob_kind kind;
    double low, high;           /* limits, inclusive; -INFINITY, INFINITY: any finite value */
    double default_value;       /* in tagnode_mapping_default(); of a choice, its index */
    const char *const *choices; /* names, by value of the enumeration; NULL if not a choice */
    uint32_t choice_count;      /* 0 if not a choice */
} tagnode_knob;

/* Number of knobs. [any] */
TAGNODE_API uint32_t tagnode_knob_count(void) TAGNODE_NONBLOCKING;

/* Returns a knob's entry in the table, valid forever; NULL from tagnode_knob_count() on. [any] */
TAGNODE_API const tagnode_knob *tagnode_knob_info(uint32_t knob) TAGNODE_NONBLOCKING;

/* Returns the name of a way to combine, "sum" or "max"; NULL for any other value. [any] */
TAGNODE_API const char *tagnode_combine_name(uint32_t combine) TAGNODE_NONBLOCKING;

/* Returns a mapping with every knob at its default. [any] */
TAGNODE_API tagnode_mapping tagnode_mapping_default(void) TAGNODE_NONBLOCKING;

/* Sets the knob with index `knob` of a mapping; a toggle takes 0 or 1, a choice its index.
 * Returns OK, or ERROR_ARGUMENT (no such knob, or a value out of its limits; nothing changed).
 * [main] */
TAGNODE_API tagnode_status tagnode_mapping_set(tagnode_mapping *mapping, uint32_t knob,
                                               double value, tagnode_message *why);

/* Returns a knob's value in a mapping; NaN for a knob that does not exist. [any] */
TAGNODE_API double tagnode_mapping_get(const tagnode_mapping *mapping, uint32_t knob)
    TAGNODE_NONBLOCKING;

/* Checks a mapping as tagnode_automation_create does: every knob within its limits, low and high
 * different without a gate, min and max above 0 for a log curve. Returns OK or ERROR_ARGUMENT.
 * [main] */
TAGNODE_API tagnode_status tagnode_mapping_check(const tagnode_mapping *mapping,
                                                 tagnode_message *why);

/* A parameter that is controlled by one or several mappings. */
typedef struct tagnode_automation tagnode_automation;

/* Creates an automation from `count` mappings (1 to TAGNODE_MAX_MAPPINGS) for positions at
 * `sample_rate` Hz. It starts at rest: the parameter for a descriptor far below its range or
 * threshold. `queue` (1 to 1048576) is the number of pending changes for each descriptor: those
 * within the delay, and those pushed ahead of the position asked for. `*automation` is NULL unless
 * OK. Returns OK, ERROR_ARGUMENT or ERROR_MEMORY. [main] */
TAGNODE_API tagnode_status tagnode_automation_create(const tagnode_mapping *mappings,
                                                     uint32_t count, tagnode_combine combine,
                                                     double sample_rate, uint32_t queue,
                                                     tagnode_automation **automation,
                                                     tagnode_message *why);

/* Frees an automation; NULL is allowed. [main, not active] */
TAGNODE_API void tagnode_automation_destroy(tagnode_automation *automation);

/* Sets the descriptor of a mapping to `value` from `position` on; NaN is ignored. A position before
 * one that was already pushed or asked for counts as that one. The first value applies immediately,
 * as if it had always been: no delay, no ramp. If the queue is full, its oldest change is applied
 * early. An infinite value is no result: it rests at that end, and the median begins anew. [audio]
 */
TAGNODE_API void tagnode_automation_push(tagnode_automation *automation, uint32_t mapping,
                                         int64_t position, float value) TAGNODE_NONBLOCKING;

/* Changes the knobs of a mapping. The parameter continues from its present value: the envelope only
 * changes its speed, and the descriptor's last value is evaluated again. A new delay or hold moves
 * changes that are still pending; min, max, depth and curve are after the envelope and may step.
 * Returns false, and changes nothing, for a mapping that tagnode_mapping_check() refuses. [audio]
 */
TAGNODE_API bool tagnode_automation_change(tagnode_automation *automation, uint32_t mapping,
                                           const tagnode_mapping *knobs) TAGNODE_NONBLOCKING;

/* Returns the parameter at `position`, in closed form: it does not depend on which other positions
 * were asked for. Values pushed for later positions do not count yet. Ask in ascending order: an
 * earlier position counts as the last change before the latest. [audio] */
TAGNODE_API float tagnode_automation_at(tagnode_automation *automation, int64_t position)
    TAGNODE_NONBLOCKING;

/* How finely parameters are set: at multiples of `grid` (samples, at least 1), those that moved by
 * more than `tolerance` (share of the way from min to max, 0 to 1) since they were set, and all
 * every 8192 samples. A step ends at each multiple of `most`, itself a multiple of `grid`. */
typedef struct {
    uint32_t grid, most;
    float tolerance;
} tagnode_steps;

/* Divides [position, until), from 0 up, into steps in which `count` parameters may stay constant.
 * Writes the start of each step to `positions` and the parameters there to `values`, `count` floats
 * a step. A step depends only on values pushed for positions up to it, and on where it starts, so
 * all block sizes give the same values everywhere. `capacity` must be at least
 * (until - position) / grid + 2. Returns the number of steps. [audio] */
TAGNODE_API size_t tagnode_automation_plan(tagnode_automation *const *automations, uint32_t count,
                                           int64_t position, int64_t until,
                                           const tagnode_steps *steps, int64_t *positions,
                                           float *values, size_t capacity) TAGNODE_NONBLOCKING;

/* Returns to the state after create. [audio] */
TAGNODE_API void tagnode_automation_reset(tagnode_automation *automation) TAGNODE_NONBLOCKING;

/* ----------------------------------------------------------------------------- live streams --- */

/* Connects an audio system's callback to a node, and exchanges samples with another thread, which
 * may be slow, through two queues. Either use may be left out. */
typedef struct tagnode_stream tagnode_stream;

typedef struct {
    tagnode *node;    /* prepared for `inputs` channels and any max_frames, not offline; or NULL. It
                         must outlive the stream, whose callback is its audio thread */
    uint32_t inputs;  /* input channels, 0 to TAGNODE_MAX_CHANNELS */
    uint32_t outputs; /* output channels, 0 to TAGNODE_MAX_CHANNELS */
    uint32_t queue;   /* samples a channel in each queue, up to TAGNODE_MAX_BLOCK; 0: no queues, and
                         the output is silence */
    uint32_t lead;    /* samples of silence in the output queue at first, up to queue: the time
                         that the thread between read and write may take */
} tagnode_stream_setup;

typedef struct {
    uint64_t callbacks;
    int64_t position;    /* input samples */
    uint64_t overflows;  /* callbacks that the audio system marked: input was lost before them, */
    uint64_t underflows; /* or output was late */
    uint64_t lost;       /* input samples lost because the queue was full */
    uint64_t missing;    /* output samples that were silence because the queue was empty; 0 without
                            queues */
} tagnode_stream_counters;

/* Creates a stream; `*stream` is NULL unless OK. Returns OK, ERROR_ARGUMENT or ERROR_MEMORY. [main]
 */
TAGNODE_API tagnode_status tagnode_stream_create(const tagnode_stream_setup *setup,
                                                 tagnode_stream **stream, tagnode_message *why);

/* Frees a stream; NULL is allowed. [main, not active] */
TAGNODE_API void tagnode_stream_destroy(tagnode_stream *stream);

/* Processes one block of interleaved float32; `input` and `output` may be NULL if there are no such
 * channels. The signature is PortAudio's PaStreamCallback: `stream` is the tagnode_stream, `time`
 * is ignored, `flags` are PortAudio's (1, 2: input under- and overflow; 4, 8: output under- and
 * overflow). Returns 0: continue. [audio] */
TAGNODE_API int tagnode_stream_callback(const void *input, void *output, unsigned long frames,
                                        const void *time, unsigned long flags, void *stream)
    TAGNODE_NONBLOCKING;

/* Reads up to `frames` input samples of each channel, interleaved. Returns the number read.
 * [reader] */
TAGNODE_API size_t tagnode_stream_read(tagnode_stream *stream, float *samples, size_t frames)
    TAGNODE_NONBLOCKING;

/* Writes up to `frames` output samples of each channel, interleaved. Returns the number written.
 * [reader] */
TAGNODE_API size_t tagnode_stream_write(tagnode_stream *stream, const float *samples, size_t frames)
    TAGNODE_NONBLOCKING;

/* Return the number of samples a channel that can be read, and that wait for output. [reader] */
TAGNODE_API size_t tagnode_stream_readable(const tagnode_stream *stream) TAGNODE_NONBLOCKING;
TAGNODE_API size_t tagnode_stream_pending(const tagnode_stream *stream) TAGNODE_NONBLOCKING;

/* Returns the counters; each is exact. [any] */
TAGNODE_API tagnode_stream_counters tagnode_stream_get_counters(const tagnode_stream *stream)
    TAGNODE_NONBLOCKING;

/* ------------------------------------------------------------------ the plugin's parameters --- */

/* The parameters of the DAW plugin (LV2, CLAP, VST 3) as one table, which the plugin itself, the
 * generated documents and pyplugin read. Ids, symbols, choice ids and source ids are permanent:
 * projects and presets keep them. */
#define TAGNODE_PLUGIN_NAME "Tagnode"
#define TAGNODE_PLUGIN_URI "urn:pyplugin:tagnode" /* of the LV2 */
#define TAGNODE_PLUGIN_CLAP_ID "org.pyplugin.tagnode"
/* The VST 3 class id: the first 16 bytes of the SHA-256 of the URI. */
#define TAGNODE_PLUGIN_VST3_CLASS 0xA914E4B4, 0x0F1395D6, 0x57E2230F, 0xEEB05689

#if !defined(TAGNODE_PLUGIN_SLOTS)
#define TAGNODE_PLUGIN_SLOTS 8 /* 1 to 16 */
#endif

enum {
    TAGNODE_PLUGIN_STATE_VERSION = 2,  /* of the state that hosts save */
    TAGNODE_PLUGIN_SOURCE_OTHER = 500, /* from here on: labels that have no number of their own */
    TAGNODE_PLUGIN_SOURCE_MAX = 1000   /* hosts that try a thousand steps see every source */
};

typedef struct {
    const char *name, *uri, *clap_id;
    uint32_t vst3_class[4];
} tagnode_plugin_identity;

typedef enum {
    TAGNODE_SCALE_LINEAR,
    TAGNODE_SCALE_LOG,
    TAGNODE_SCALE_INTEGER,
    TAGNODE_SCALE_TOGGLE,
    TAGNODE_SCALE_CHOICE
} tagnode_plugin_scale;

/* A choice's value is its id; ids may have gaps. */
typedef struct {
    uint32_t id;
    const char *text;
} tagnode_plugin_choice;

typedef struct {
    uint32_t id; /* 1 up: of the whole plugin; 1000 * slot + field; from 100000: outputs. CLAP's and
                    VST 3's parameter id */
    uint32_t since;     /* LV2 ports are in the order of `since`, then of the table */
    uint32_t slot;      /* 1 up; 0: of the whole plugin */
    uint32_t field;     /* 1 up, of a slot's inputs; 0: none */
    const char *symbol; /* "slot1_threshold"; LV2 ports and states are known by it */
    const char *name;   /* "Slot 1 threshold" */
    const char *group;  /* "Slot 1", "" */
    const char *unit;   /* "s", "" */
    float low, high, start;
    tagnode_plugin_scale scale;
    bool output;                          /* read-only */
    const tagnode_plugin_choice *choices; /* in ascending order of their ids; NULL: none */
    uint32_t choice_count;
    const char *about; /* one sentence */
} tagnode_plugin_parameter;

/* What a slot can move. A slot's min and max are shares of low to high: 0 is low, 1 is high. */
typedef struct {
    uint32_t id;
    const char *name; /* "low-pass" */
    const char *unit; /* "Hz", "" */
    float low, high;
    uint32_t places; /* decimals shown */
    bool ratios;     /* equal shares are equal ratios of the value, not equal steps */
    uint32_t stage;  /* of the effect in the chain, 1 up; 0: no effect */
} tagnode_plugin_target;

typedef enum {
    TAGNODE_PLUGIN_NO_MODEL, /* signals only */
    TAGNODE_PLUGIN_INCLUDED, /* compiled in */
    TAGNODE_PLUGIN_KNOWN,    /* a file that `tagnode models get` writes */
    TAGNODE_PLUGIN_CUSTOM    /* a file that `tagnode plugins model` writes */
} tagnode_plugin_model_kind;

typedef struct {
    uint32_t id;
    const char *name;
    tagnode_plugin_model_kind kind;
} tagnode_plugin_model;

/* Returns how hosts know the plugin. [any] */
TAGNODE_API const tagnode_plugin_identity *tagnode_plugin_identity_info(void) TAGNODE_NONBLOCKING;

/* Returns the number of parameters. [any] */
TAGNODE_API uint32_t tagnode_plugin_parameter_count(void) TAGNODE_NONBLOCKING;

/* Return a row of a table, valid forever; NULL after the last one. An index may change with the
 * version; ids do not. [any] */
TAGNODE_API const tagnode_plugin_parameter *tagnode_plugin_parameter_info(uint32_t index)
    TAGNODE_NONBLOCKING;
TAGNODE_API const tagnode_plugin_target *tagnode_plugin_target_info(uint32_t index)
    TAGNODE_NONBLOCKING;
TAGNODE_API const tagnode_plugin_model *tagnode_plugin_model_info(uint32_t index)
    TAGNODE_NONBLOCKING;

/* Returns the index of the parameter with this id, UINT32_MAX if there is none. [any] */
TAGNODE_API uint32_t tagnode_plugin_parameter_find(uint32_t id) TAGNODE_NONBLOCKING;

/* Return the value in the target's unit at a share of its range, and the share of a value; shares
 * may be beyond 0 and 1. [any] */
TAGNODE_API double tagnode_plugin_target_value(const tagnode_plugin_target *target, double share)
    TAGNODE_NONBLOCKING;
TAGNODE_API double tagnode_plugin_target_share(const tagnode_plugin_target *target, double value)
    TAGNODE_NONBLOCKING;

/* Returns the number of a source by its descriptor's name ("signal.rms_db", "tag.speech",
 * "head.any.voice"): 0 for "" and for a signal that this version does not have; below
 * TAGNODE_PLUGIN_SOURCE_OTHER for signals and the labels of known models; for any other label one
 * up to TAGNODE_PLUGIN_SOURCE_MAX, from the FNV-1a hash of the name. [any] */
TAGNODE_API uint32_t tagnode_plugin_source_find(const char *name);

/* Returns the number of the next label of a model, in the model's order: that of its name, unless
 * an earlier label has that, then the next free one of those for other labels; 0 if none is free.
 * `taken` has TAGNODE_PLUGIN_SOURCE_MAX + 1 entries, false at first, and gets the number. [any] */
TAGNODE_API uint32_t tagnode_plugin_source_take(const char *name, bool *taken);

/* Writes the name of a source below TAGNODE_PLUGIN_SOURCE_OTHER; false if it has none. [any] */
TAGNODE_API bool tagnode_plugin_source_name(uint32_t id, char *name, size_t size);

/* Returns the signal of a source, UINT32_MAX if it is not one. [any] */
TAGNODE_API uint32_t tagnode_plugin_source_signal(uint32_t id) TAGNODE_NONBLOCKING;

#ifdef __cplusplus
}
#endif
#endif
