/* node.h - what the parts of the library that are built upon a node must know of it. */
#ifndef TAGNODE_NODE_H
#define TAGNODE_NODE_H

#include "tagnode.h"

/* How it was prepared; NULL before that. [main] */
const tagnode_setup *tagnode_get_setup(const tagnode *node);

#endif
