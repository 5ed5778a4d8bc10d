/* SPDX-License-Identifier: Apache-2.0 */
/* What the store and layouts do with a blob that is written to them. */
#ifndef IMG_TRANSPORT_RECEIVE_H
#define IMG_TRANSPORT_RECEIVE_H

#include "store/blobs.h"
#include "transport/transport.h"

/*
 * Takes an upload into `to` and says how (UPLOAD_EXISTED or UPLOAD_SENT). Goes on with what an
 * interrupted one left, also of an earlier process, and hashes that again; a prefix that proves
 * wrong is thrown away and all of it taken anew.
 */
int receive_blob(struct blobs *to, struct op *op, struct transport_upload *upload, struct err *err);

#endif
