/* choices.c - names of the front-end's settings, as model cards spell them. */
#include "tagnode.h"

#define COUNT(names) (sizeof(names) / sizeof(names)[0])

static const char *const WINDOWS[] = {"hann-periodic", "hann-symmetric"};
static const char *const MEL_SCALES[] = {"slaney", "htk", "none"};
static const char *const TRIANGLES[] = {"hertz", "mel"};
static const char *const MEL_NORMS[] = {"none", "slaney"};
static const char *const SPECTRA[] = {"power", "magnitude"};
static const char *const EXPONENTS[] = {"one", "two", "half"};
static const char *const LOGS[] = {"none", "log10-1p", "log-offset", "db", "log-floor", "log-zero"};
static const char *const FRAMINGS[] = {"centred", "from-zero"};
static const char *const PATCH_NORMS[] = {"none", "z-score", "max", "top-db", "relative-db"};

const char *tagnode_window_name(uint32_t window) {
    return window < COUNT(WINDOWS) ? WINDOWS[window] : NULL;
}

const char *tagnode_mel_scale_name(uint32_t scale) {
    return scale < COUNT(MEL_SCALES) ? MEL_SCALES[scale] : NULL;
}

const char *tagnode_mel_triangles_name(uint32_t triangles) {
    return triangles < COUNT(TRIANGLES) ? TRIANGLES[triangles] : NULL;
}

const char *tagnode_mel_norm_name(uint32_t norm) {
    return norm < COUNT(MEL_NORMS) ? MEL_NORMS[norm] : NULL;
}

const char *tagnode_spectrum_name(uint32_t spectrum) {
    return spectrum < COUNT(SPECTRA) ? SPECTRA[spectrum] : NULL;
}

const char *tagnode_exponent_name(uint32_t exponent) {
    return exponent < COUNT(EXPONENTS) ? EXPONENTS[exponent] : NULL;
}

const char *tagnode_log_name(uint32_t log) {
    return log < COUNT(LOGS) ? LOGS[log] : NULL;
}

const char *tagnode_framing_name(uint32_t framing) {
    return framing < COUNT(FRAMINGS) ? FRAMINGS[framing] : NULL;
}

const char *tagnode_patch_norm_name(uint32_t norm) {
    return norm < COUNT(PATCH_NORMS) ? PATCH_NORMS[norm] : NULL;
}
