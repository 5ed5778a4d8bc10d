/* SPDX-License-Identifier: Apache-2.0 */
/* The version of the whole. */
#ifndef IMG_BASE_VERSION_H
#define IMG_BASE_VERSION_H

#define IMG_VERSION "0.1.0"

#endif
