/* knobs.h - checks of a mapping's knobs, driven by the table in knobs.c. */
#pragma once

#include "tagnode.h"

/* Returns whether tagnode_mapping_check() accepts the mapping. [any] */
bool tagnode_mapping_is_valid(const tagnode_mapping *mapping) TAGNODE_NONBLOCKING;
