// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Output files: the five files of a generation, put where a server finds them so that nobody ever reads
 * half of one. Shared by the adapters that write files; blocking; in certherd-deliver.
 *
 *   target live    STATE/live/NAME      → ../archive/NAME/N/
 *   layout=name    PATH/NAME            → .NAME.N/
 *                  each with cert.pem chain.pem fullchain.pem privkey.pem combined.pem (key first);
 *                  the last three generations stay
 *   layout=single  PATH                   is the combined file of the one certificate
 *                  .FILE.certherd beside it says what we wrote, and for which certificate
 */
#pragma once

#include <gio/gio.h>

#include "plugin/bundle.h"

G_BEGIN_DECLS

#define HERD_OUTPUT_KEPT 3 /* generations of a name */

typedef struct HerdOutput HerdOutput;

/* From a target's settings: path, layout, owner, group, mode (of the files with the key), and
 * state-directory for the target "live". HERD_ERROR_INVALID_ARGUMENT names the key. */
HerdOutput *herd_output_new (const char *target, GHashTable *settings, GError **error);
void herd_output_free (HerdOutput *output);

/* Puts each bundle in place, or back: an older generation is as good. Twice is as good as once. On
 * failure, the bundles up to the failing one are in place, and that one is as it was. Errors:
 * HERD_ERROR_EXISTS (something that is not ours is in the way: named), HERD_ERROR_REFUSED (a symbolic
 * link), HERD_ERROR_NOT_FOUND, HERD_ERROR_NOT_AUTHORIZED, HERD_ERROR_FAILED (a full disk …). */
gboolean herd_output_install (HerdOutput *output, GPtrArray *bundles, GError **error);
/* Takes away what install wrote for NAMES; whatever else is there stays, with its directory. */
gboolean herd_output_withdraw (HerdOutput *output, const char *const *names, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdOutput, herd_output_free)

G_END_DECLS
