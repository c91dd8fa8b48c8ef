/* clap_window_none.c - of a build without a window. */
#include "clap_window.h"

clap_window *clap_window_create(tagplug *core, const cl_host *host, const cl_host_params *params) {
    return NULL;
}

void clap_window_destroy(clap_window *self) {}

void clap_window_send(clap_window *self, const cl_output_events *out) TAGNODE_NONBLOCKING {}

const void *clap_window_extension(const clap_window *self, const char *id) {
    return NULL;
}
