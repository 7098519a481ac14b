// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An order's checkpoint: what the CA, a solver or a validator may know of it already, and so what a
 * restart must not forget. A plain value, owned by the operation.
 */
#pragma once

#include <gio/gio.h>

#include "plugin/challenge.h"

G_BEGIN_DECLS

/* A challenge that was, or is about to be, presented. */
typedef struct {
  HerdChallenge *challenge;
  char *wish;        /* the identifier that the solver was chosen for, with its "*." */
  char *solver;      /* its name, or, from an old record, the name of its type */
  GObject *instance; /* the solver; NULL in a record that was read: it is looked for again */
} HerdPresented;

HerdPresented *herd_presented_new (HerdChallenge *challenge, const char *wish, const char *solver,
                                   gpointer instance);
void herd_presented_free (HerdPresented *presented);

typedef struct {
  guint attempts;       /* newOrders that may have left */
  char *order_url;      /* NULL: not known */
  gboolean finalized;   /* a finalize may have left */
  GPtrArray *presented; /* of HerdPresented */
} HerdRecord;

HerdRecord *herd_record_new (void);
void herd_record_free (HerdRecord *record);

GBytes *herd_record_to_bytes (const HerdRecord *record);
/* Errors: HERD_ERROR_FAILED if BYTES are no such record. */
HerdRecord *herd_record_new_from_bytes (GBytes *bytes, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdRecord, herd_record_free)

G_END_DECLS
