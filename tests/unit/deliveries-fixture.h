// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * For the tests of deliveries: a clock that the test moves, a double of certherd-deliver that ends when
 * the test says so, and one of the bus. Main loop only.
 */
#pragma once

#include "core/deliveries-private.h"
#include "core/launcher-private.h"
#include "manual-clock.h"
#include "state-fixture.h"

G_BEGIN_DECLS

#define UID 1000
#define MINUTE (G_GINT64_CONSTANT (60) * HERD_SECOND)

typedef struct {
  HerdLauncher launcher;
  GHashTable *running; /* target → GTask, until end_run() */
  guint n_started;
} DeliveriesLauncher;

typedef struct {
  StateFixture state;
  HerdServices services;
  char *config;
  DeliveriesLauncher launcher;
  HerdDeliveries *deliveries;
  HerdCertificate *certificate; /* the registry's */
  GString *told;                /* "NAME N;" for each Updated */
  guint64 last_subscription;
} DeliveriesFixture;

void deliveries_fixture_settle (void);
void deliveries_fixture_configure (DeliveriesFixture *fixture, const char *text);
HerdCertificate *deliveries_fixture_add_certificate (DeliveriesFixture *fixture, guint64 id,
                                                     const char *name, const char *const *targets);
/* What is to be committed. */
HerdBatch *deliveries_fixture_plan_targets (DeliveriesFixture *fixture, const char *const *targets);
void deliveries_fixture_change_targets (DeliveriesFixture *fixture, const char *const *targets);
/* The next generation is there. */
void deliveries_fixture_issue (DeliveriesFixture *fixture, HerdCertificate *certificate);
void deliveries_fixture_set_up (DeliveriesFixture *fixture, gconstpointer data);
/* certherd-deliver for TARGET ends. */
void deliveries_fixture_end_run (DeliveriesFixture *fixture, const char *target, gboolean ok);
gboolean deliveries_fixture_is_running (DeliveriesFixture *fixture, const char *target);
void deliveries_fixture_tear_down (DeliveriesFixture *fixture, gconstpointer data);
const HerdDelivery *deliveries_fixture_get_row (DeliveriesFixture *fixture, const char *target);
/* TARGET NULL: observes. */
HerdSubscription *deliveries_fixture_begin_subscription (DeliveriesFixture *fixture, guint32 uid,
                                                         const char *target, gboolean configured);
/* The next turn of those who are told what they are told first. */
void deliveries_fixture_take_turn (DeliveriesFixture *fixture);
HerdSubscription *deliveries_fixture_subscribe (DeliveriesFixture *fixture, const char *target,
                                                gboolean configured);
void deliveries_fixture_unsubscribe (DeliveriesFixture *fixture, HerdSubscription *subscription);
/* Puts RESULT, referenced, where DATA points. */
void deliveries_fixture_on_done (GObject *source, GAsyncResult *result, gpointer data);
void deliveries_fixture_acknowledge (DeliveriesFixture *fixture, HerdSubscription *subscription,
                                     guint64 generation, gboolean applied, const char *message);
/* certherd-deliver for TARGET does all that it should. */
void deliveries_fixture_serve (DeliveriesFixture *fixture, const char *target, guint64 generation);

G_END_DECLS
