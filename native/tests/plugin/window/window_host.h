/* window_host.h - one format of a host with windows, for window_host.c. Parameters are ids, values
 * those of the plugin's table. All [main] but plug_process. */
#pragma once

#include "../../check.h"
#include "core/tagplug.h"

/* Formats fix the parameters of a host's functions, needed or not. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

enum { PLUG_BLOCK = 256, PLUG_RATE = 48000 };

typedef struct plug plug;

void plug_load(const char *path); /* the plugin's file; ends the program if it is none */
const char *plug_folder(void);    /* of that file, with a / at its end */

plug *plug_open(void); /* active, for stereo at PLUG_RATE */
void plug_close(plug *self);
void plug_process(plug *self, const float *const *input, float *const *output); /* [audio] */

bool plug_show(plug *self, uintptr_t parent, double scale); /* opens the window */
void plug_hide(plug *self);                                 /* closes it; without one nothing */
void plug_tick(plug *self);                                 /* some 30 times a second */
bool plug_resize(plug *self, uint32_t width, uint32_t height);

void plug_set(plug *self, uint32_t id, double value); /* the host's own change */
double plug_get(plug *self, uint32_t id);             /* as the host knows it */

/* Changes by the window, as each format reports them; window_host.c prints them. */
void plug_edited(const char *what, uint32_t id, double value);

/* Changes for the next block. */
typedef struct {
    uint32_t id;
    double value;
} plug_change;
enum { PLUG_CHANGES = 1024 };
