/* node.h - access to a node for the parts of the library that are built on it. */
#pragma once

#include "tagnode.h"

/* Returns the setup that the node was prepared with; NULL before that. [main] */
const tagnode_setup *tagnode_get_setup(const tagnode *node);
