/* vst3_view_none.c - of a build without a window: the host's own interface. */
#include "vst3_face.h"

vst_view *vst_view_create(vst_face *face) {
    return NULL;
}
