// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whose values an acme-dns subdomain shows. It keeps the two newest, in the order of its clock's seconds,
 * and cannot forget one: a third takes the place of the older, needed or not. So values come in rounds of
 * two, and a new round begins when nobody needs one of the last any more. Owned by the solver; main loop
 * only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define SLOTS 2

typedef struct Slots Slots;

Slots *slots_new (void);
/* Nobody waits any more: who waits holds the solver. */
void slots_free (Slots *slots);

/* Finishes when VALUES (NULL-terminated, at most SLOTS) may be shown; one after another in the order of
 * the calls. Values that have their place keep it, and do not wait. Errors: HERD_ERROR_CANCELLED. */
void slots_take_async (Slots *slots, const char *const *values, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data);
gboolean slots_take_finish (Slots *slots, GAsyncResult *result, GError **error);

/* VALUE, which has a place, has reached the server. */
void slots_note_shown (Slots *slots, const char *value);
gboolean slots_is_shown (Slots *slots, const char *value);

/* VALUES are not needed any more; those that have no place do not matter. */
void slots_release (Slots *slots, const char *const *values);

G_END_DECLS
