/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes of tokens (distribution's token scope documentation): "repository:NAME:pull,push", several
 * joined by spaces.
 */
#ifndef IMG_NET_AUTH_SCOPE_H
#define IMG_NET_AUTH_SCOPE_H

/* Longest set kept, and most (resource, action) pairs: what is beyond is dropped. */
#define SCOPE_BYTES_MAX 8192
#define SCOPE_PAIRS_MAX 256

/*
 * The union of two sets (NULL is empty) in its normal form: one entry a resource, actions sorted,
 * entries that push first because some servers read only one, then by name. NULL when empty. Equal
 * sets have equal forms. Free with free().
 */
char *scope_merge(const char *a, const char *b);

#endif
