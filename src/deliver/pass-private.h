// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What pass.c and activation.c share: a pass, and the deliveries in it. Plain structs; blocking.
 */
#pragma once

#include "deliver/pass.h"
#include "deliver/subscriber.h"

G_BEGIN_DECLS

typedef struct {
  const HerdPending *pending;
  HerdBundle *bundle;
  HerdBundle *previous; /* what the target had before, once it was asked for; NULL: nothing */
  gboolean asked;
  gboolean proved;
  GError *error; /* why it failed so far */
  char *outcome; /* what was done about that; NULL: nothing yet */
} HerdPassDelivery;

typedef struct {
  HerdTarget *target; /* NULL: it cannot be used, for reason */
  GError *reason;
  HerdSubscriber *subscriber;
  GPtrArray *deliveries; /* HerdPassDelivery: those that are installed */
  gboolean unsettled;    /* something stays pending */
  gboolean down;         /* the latest activation failed */
} HerdPass;

/* Puts the generations of N DELIVERIES in place. */
gboolean herd_pass_install (HerdPass *pass, HerdPassDelivery *const *deliveries, guint n,
                            GError **error);
/* Activates and probes what is installed; what fails twice goes back, and has an error and an outcome
 * then. */
void herd_pass_activate (HerdPass *pass);

G_END_DECLS
