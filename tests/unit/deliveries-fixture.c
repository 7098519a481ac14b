// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The fixture of the tests of deliveries.
 */
#include "deliveries-fixture.h"

#include <glib/gstdio.h>

#include "plugin/error.h"

static void
launch (HerdLauncher *launcher, const char *target, GTask *task)
{
  DeliveriesLauncher *self = (DeliveriesLauncher *) launcher;

  self->n_started++;
  g_assert_false (g_hash_table_contains (self->running, target));
  g_hash_table_insert (self->running, g_strdup (target), g_object_ref (task));
}

static void
updated (const HerdSubscription *subscription, guint64 certificate, const char *name,
         guint64 generation, gpointer data)
{
  DeliveriesFixture *fixture = data;

  g_string_append_printf (fixture->told, "%s %" G_GUINT64_FORMAT ";", name, generation);
}

static void
ignore_addition (HerdNoun noun, guint64 id, gboolean changed, gpointer data)
{}

static void
ignore_change (HerdNoun noun, guint64 id, gpointer data)
{}

static void
ignore_attention (HerdNoun noun, guint64 id, const char *severity, const char *code,
                  const char *message, gpointer data)
{}

static void
ignore_certificate (guint64 certificate, gpointer data)
{}

static const HerdObserver observer = {
  .added = ignore_addition,
  .changed = ignore_change,
  .removed = ignore_change,
  .attention = ignore_attention,
  .updated = updated,
};

void
deliveries_fixture_settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    continue;
}

void
deliveries_fixture_configure (DeliveriesFixture *fixture, const char *text)
{
  g_autofree char *file = g_build_filename (fixture->config, "certherd.conf", NULL);

  g_assert_true (g_file_set_contents (file, text, -1, NULL));
  herd_config_unref (fixture->services.config);
  fixture->services.config = herd_config_load (fixture->config);
  g_assert_cmpuint (herd_config_get_problems (fixture->services.config)->len, ==, 0);
}

HerdCertificate *
deliveries_fixture_add_certificate (DeliveriesFixture *fixture, guint64 id, const char *name,
                                    const char *const *targets)
{
  g_auto (GVariantDict) spec = G_VARIANT_DICT_INIT (NULL);
  const char *const identifiers[] = { "www.example.org", NULL };
  const char *const readers[] = { "1000", NULL };
  HerdCertificate *certificate;
  HerdBatch *batch = herd_batch_new ();

  g_variant_dict_insert (&spec, "identifiers", "^as", identifiers);
  g_variant_dict_insert (&spec, "deliver", "^as", targets);
  g_variant_dict_insert (&spec, "readers", "^as", readers);
  certificate = herd_certificate_new (id, name, UID, HERD_ORIGIN_BUS,
                                      g_variant_ref_sink (g_variant_dict_end (&spec)));
  herd_registry_add_certificate (fixture->services.registry, certificate);
  herd_deliveries_plan (fixture->deliveries, certificate, batch);
  commit_ok (fixture->state.state, batch);
  return certificate;
}

/* What is to be committed. */
HerdBatch *
deliveries_fixture_plan_targets (DeliveriesFixture *fixture, const char *const *targets)
{
  g_autoptr (GVariant) old = fixture->certificate->spec;
  g_auto (GVariantDict) spec = G_VARIANT_DICT_INIT (old);
  HerdBatch *batch = herd_batch_new ();

  g_variant_dict_insert (&spec, "deliver", "^as", targets);
  fixture->certificate->spec = g_variant_ref_sink (g_variant_dict_end (&spec));
  herd_deliveries_plan (fixture->deliveries, fixture->certificate, batch);
  return batch;
}

void
deliveries_fixture_change_targets (DeliveriesFixture *fixture, const char *const *targets)
{
  commit_ok (fixture->state.state, deliveries_fixture_plan_targets (fixture, targets));
  herd_deliveries_confirm (fixture->deliveries, fixture->certificate->id);
  herd_deliveries_kick (fixture->deliveries, fixture->certificate->id);
  herd_deliveries_kick_withdrawals (fixture->deliveries);
  deliveries_fixture_settle ();
}

/* The next generation is there. */
void
deliveries_fixture_issue (DeliveriesFixture *fixture, HerdCertificate *certificate)
{
  guint64 number = ++certificate->last_number;

  herd_certificate_add_generation (certificate,
                                   herd_generation_new (number, 1, 0, herd_facts_new ()));
  certificate->current = number;
  herd_deliveries_plan (fixture->deliveries, certificate, NULL);
  herd_deliveries_kick (fixture->deliveries, certificate->id);
  deliveries_fixture_settle ();
}

void
deliveries_fixture_set_up (DeliveriesFixture *fixture, gconstpointer data)
{
  static const char *const none[] = { NULL };
  HerdServices *services = &fixture->services;

  state_fixture_set_up (&fixture->state, data);
  state_fixture_open (&fixture->state);
  fixture->config = g_dir_make_tmp ("certherd-deliveries-XXXXXX", NULL);
  fixture->told = g_string_new (NULL);
  services->clock = herd_manual_clock_new ();
  services->state = fixture->state.state;
  services->registry = herd_registry_new ();
  services->attentions = herd_attentions_new (services->registry, services->clock);
  services->ledger = herd_ledger_new (services->clock);
  services->saver = herd_saver_new (services->clock, services->state, services->registry,
                                    services->attentions, services->ledger);
  herd_registry_set_observer (services->registry, &observer, fixture);
  deliveries_fixture_configure (fixture,
                                "[target files]\nadapter = files\npath = /a\n"
                                "[target server]\nadapter = unit\nunit = a.service\n"
                                "[target both]\nadapter = unit\nunit = b.service\npath = /b\n");
  fixture->launcher.launcher.run = launch;
  fixture->launcher.running = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                                     g_object_unref);
  fixture->deliveries = herd_deliveries_new (services, &fixture->launcher.launcher,
                                             ignore_certificate, NULL);
  fixture->certificate = deliveries_fixture_add_certificate (fixture, 7, "www", none);
}

/* certherd-deliver for TARGET ends. */
void
deliveries_fixture_end_run (DeliveriesFixture *fixture, const char *target, gboolean ok)
{
  g_autoptr (GTask) task = NULL;

  task = g_object_ref (g_hash_table_lookup (fixture->launcher.running, target));
  g_hash_table_remove (fixture->launcher.running, target);
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_FAILED, "the double fails");
  deliveries_fixture_settle ();
}

gboolean
deliveries_fixture_is_running (DeliveriesFixture *fixture, const char *target)
{
  return g_hash_table_contains (fixture->launcher.running, target);
}

void
deliveries_fixture_tear_down (DeliveriesFixture *fixture, gconstpointer data)
{
  HerdServices *services = &fixture->services;
  const char *const argv[] = { "rm", "-rf", fixture->config, NULL };
  static const char *const targets[] = { "live", "files", "server", "both" };

  herd_registry_remove (services->registry, HERD_NOUN_CERTIFICATE, fixture->certificate->id);
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++) {
    if (deliveries_fixture_is_running (fixture, targets[i]))
      deliveries_fixture_end_run (fixture, targets[i], FALSE);
  }
  herd_deliveries_free (fixture->deliveries);
  herd_saver_free (services->saver);
  herd_ledger_unref (services->ledger);
  herd_attentions_free (services->attentions);
  herd_registry_free (services->registry);
  herd_config_unref (services->config);
  state_fixture_tear_down (&fixture->state, data);
  herd_clock_unref (services->clock);
  g_hash_table_unref (fixture->launcher.running);
  g_string_free (fixture->told, TRUE);
  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                NULL);
  g_free (fixture->config);
}

const HerdDelivery *
deliveries_fixture_get_row (DeliveriesFixture *fixture, const char *target)
{
  const HerdDelivery *delivery = herd_certificate_find_delivery (fixture->certificate, target);

  g_assert_nonnull (delivery);
  return delivery;
}

/* TARGET NULL: observes. */
HerdSubscription *
deliveries_fixture_begin_subscription (DeliveriesFixture *fixture, guint32 uid, const char *target,
                                       gboolean configured)
{
  const char *const patterns[] = { "*", NULL };
  HerdSubscription *subscription = herd_subscription_new (1000 + ++fixture->last_subscription,
                                                          ":1.1", uid, patterns);
  GError *error = NULL;

  if (target != NULL)
    subscription->target = configured ? g_strdup (target) : g_strdup_printf ("%u:%s", uid, target);
  subscription->target_is_configured = configured;
  subscription->allowed = TRUE;
  herd_deliveries_attach (fixture->deliveries, subscription, &error);
  g_assert_no_error (error);
  herd_registry_add_subscription (fixture->services.registry, subscription);
  herd_deliveries_send_first (fixture->deliveries, subscription->id);
  return subscription;
}

/* The next turn of those who are told what they are told first. */
void
deliveries_fixture_take_turn (DeliveriesFixture *fixture)
{
  herd_manual_clock_advance (fixture->services.clock, 1);
}

HerdSubscription *
deliveries_fixture_subscribe (DeliveriesFixture *fixture, const char *target, gboolean configured)
{
  HerdSubscription *subscription = deliveries_fixture_begin_subscription (fixture, UID, target,
                                                                          configured);

  while (herd_deliveries_is_walking (fixture->deliveries, subscription->id))
    deliveries_fixture_take_turn (fixture);
  return subscription;
}

void
deliveries_fixture_unsubscribe (DeliveriesFixture *fixture, HerdSubscription *subscription)
{
  herd_deliveries_detach (fixture->deliveries, subscription);
  herd_registry_remove (fixture->services.registry, HERD_NOUN_SUBSCRIPTION, subscription->id);
  deliveries_fixture_settle ();
}

void
deliveries_fixture_on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

void
deliveries_fixture_acknowledge (DeliveriesFixture *fixture, HerdSubscription *subscription,
                                guint64 generation, gboolean applied, const char *message)
{
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;

  herd_deliveries_acknowledge_async (fixture->deliveries, subscription, fixture->certificate->id,
                                     generation, applied, message, deliveries_fixture_on_done,
                                     &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  herd_deliveries_acknowledge_finish (result, &error);
  g_assert_no_error (error);
  deliveries_fixture_settle ();
}

/* certherd-deliver for TARGET does all that it should. */
void
deliveries_fixture_serve (DeliveriesFixture *fixture, const char *target, guint64 generation)
{
  HerdSubscription *subscription = deliveries_fixture_subscribe (fixture, target, TRUE);

  deliveries_fixture_acknowledge (fixture, subscription, generation, TRUE, "");
  deliveries_fixture_unsubscribe (fixture, subscription);
  deliveries_fixture_end_run (fixture, target, TRUE);
}
