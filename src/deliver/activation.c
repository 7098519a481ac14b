// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Activations and probes of a pass, and going back. A target that is activated as a whole does not say
 * which certificate it will not have: it gets back what it had, then parts of the batch, until that is
 * known, or, where each try is an interruption, a few of them alone. Blocking.
 */
#include "deliver/pass-private.h"
#include "deliver/probe.h"
#include "plugin/error.h"

/* Certificates that are tried alone in one pass, where a try is dear. */
#define ALONE_PER_PASS 8

gboolean
herd_pass_install (HerdPass *pass, HerdPassDelivery *const *deliveries, guint n, GError **error)
{
  g_autoptr (GPtrArray) bundles = g_ptr_array_new ();

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (bundles, deliveries[i]->bundle);
  return herd_adapter_install (pass->target->adapter, bundles, error);
}

static gboolean
activate_target (HerdPass *pass, HerdBundle *bundle, GError **error)
{
  pass->down = !herd_adapter_activate (pass->target->adapter, bundle, error);
  return !pass->down;
}

static gboolean
may_pass (const GError *error)
{
  HerdErrorClass error_class = herd_error_class (error);

  return error_class == HERD_ERROR_CLASS_BACKOFF || error_class == HERD_ERROR_CLASS_TIMED;
}

/* --- going back --- */

static void
set_outcome (HerdPassDelivery *delivery, char *outcome)
{
  g_free (delivery->outcome);
  delivery->outcome = outcome;
}

/* The generation that the target had before; NULL with an ERROR, or without: there is none. */
static HerdBundle *
ask_previous (HerdPass *pass, const HerdPassDelivery *delivery, GError **error)
{
  const HerdPending *pending = delivery->pending;
  guint64 previous;

  if (!herd_subscriber_get_previous (pass->subscriber, pending->path, &previous, error))
    return NULL;
  if (previous == 0 || previous == pending->generation)
    return NULL;
  return herd_subscriber_open_bundle (pass->subscriber, pending->path, pending->name, previous,
                                      error);
}

/* Puts back what DELIVERY replaced, and says how that went: TRUE if something is in place. */
static gboolean
put_back (HerdPass *pass, HerdPassDelivery *delivery)
{
  g_autoptr (GPtrArray) bundles = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  if (!delivery->asked)
    delivery->previous = ask_previous (pass, delivery, &error);
  delivery->asked = error == NULL;
  if (delivery->previous == NULL && error == NULL) {
    set_outcome (delivery, g_strdup ("there is no earlier generation to go back to"));
    return FALSE;
  }
  g_ptr_array_add (bundles, delivery->previous);
  if (delivery->previous != NULL && herd_adapter_restore (pass->target->adapter, bundles, &error)) {
    set_outcome (delivery, g_strdup_printf ("generation %" G_GUINT64_FORMAT " is back in place",
                                            delivery->previous->generation));
    return TRUE;
  }
  set_outcome (delivery, g_strdup_printf ("the earlier generation could not be put back: %s",
                                          error->message));
  return FALSE;
}

/* The same, and what was not there before is not there after it. */
static gboolean
take_out (HerdPass *pass, HerdPassDelivery *delivery)
{
  const char *const names[] = { delivery->pending->name, NULL };

  if (put_back (pass, delivery))
    return TRUE;
  if (!delivery->asked || delivery->previous != NULL
      || !herd_adapter_withdraw (pass->target->adapter, names, NULL))
    return FALSE;
  set_outcome (delivery, g_strdup ("there is no earlier generation to go back to; its files were "
                                   "taken away again"));
  return TRUE;
}

static void
take_out_all (HerdPass *pass, HerdPassDelivery *const *deliveries, guint n)
{
  for (guint i = 0; i < n; i++)
    take_out (pass, deliveries[i]);
}

static void
activate_after (HerdPass *pass, HerdBundle *bundle)
{
  g_autoptr (GError) error = NULL;

  if (!activate_target (pass, bundle, &error))
    g_printerr ("certherd-deliver: after going back: %s\n", error->message);
}

/* Every delivery that failed, and is not back yet, goes back; then the target is activated once more. One
 * that does not even start with what is new is not left with that. */
static void
go_back (HerdPass *pass)
{
  gboolean remove = pass->down && herd_adapter_activation_is_dear (pass->target->adapter);
  gboolean each = herd_adapter_activates_each (pass->target->adapter);
  gboolean restored = FALSE;

  for (guint i = 0; i < pass->deliveries->len; i++) {
    HerdPassDelivery *delivery = g_ptr_array_index (pass->deliveries, i);

    if (delivery->error == NULL || delivery->outcome != NULL
        || !(remove ? take_out (pass, delivery) : put_back (pass, delivery)))
      continue;
    if (each)
      activate_after (pass, delivery->previous);
    restored = TRUE;
  }
  if (restored && !each)
    activate_after (pass, NULL);
}

/* --- whose fault it is --- */

static void
blame (HerdPassDelivery *const *deliveries, guint n, const GError *error)
{
  for (guint i = 0; i < n; i++) {
    g_clear_error (&deliveries[i]->error);
    deliveries[i]->error = g_error_copy (error);
  }
}

/* Installs and activates DELIVERIES, which are not in place. */
static gboolean
try_together (HerdPass *pass, HerdPassDelivery *const *deliveries, guint n, GError **error)
{
  return herd_pass_install (pass, deliveries, n, error) && activate_target (pass, NULL, error);
}

/* The same by halves: TRUE if all of them are in use; what fails is not in place afterwards. KNOWN: all
 * of them together fail, since the rest of a group that does was activated. */
static gboolean
try_halves (HerdPass *pass, HerdPassDelivery *const *deliveries, guint n, gboolean known)
{
  g_autoptr (GError) error = NULL;
  gboolean first;

  if (n == 1 || !known) {
    if (try_together (pass, deliveries, n, &error))
      return TRUE;
    take_out_all (pass, deliveries, n);
    if (n == 1) {
      blame (deliveries, n, error);
      return FALSE;
    }
  }
  first = try_halves (pass, deliveries, n / 2, FALSE);
  return try_halves (pass, deliveries + n / 2, n - n / 2, first) && first;
}

/* The same one by one, with what the target had before in use again after each that fails. ERROR is what
 * it says to all of them. Returns how many it came to. */
static guint
try_alone (HerdPass *pass, HerdPassDelivery *const *deliveries, guint n, const GError *error)
{
  gboolean found = FALSE;

  for (guint i = 0; i < n; i++) {
    g_autoptr (GError) failure = NULL;

    if (i == ALONE_PER_PASS || pass->down)
      return i;
    if (i == n - 1 && !found) {
      blame (deliveries + i, 1, error); /* as the others were activated */
      return n;
    }
    if (try_together (pass, deliveries + i, 1, &failure))
      continue;
    found = TRUE;
    blame (deliveries + i, 1, failure);
    take_out (pass, deliveries[i]);
    if (pass->down)
      activate_after (pass, NULL);
  }
  return n;
}

/* For a later pass, where fewer are left to choose from. */
static void
put_off (HerdPassDelivery *const *deliveries, guint n, const GError *error)
{
  g_autoptr (GError) later = g_error_new (HERD_ERROR, HERD_ERROR_BUSY,
                                          "together with others it was not taken, and it is yet to "
                                          "be tried alone: %s",
                                          error->message);

  blame (deliveries, n, later);
}

/* Files that are new stay: it may be that the server is yet to be set up. */
static void
leave_new (HerdPass *pass, HerdPassDelivery *const *deliveries, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (deliveries[i]->asked && deliveries[i]->previous == NULL
        && herd_pass_install (pass, deliveries + i, 1, NULL))
      set_outcome (deliveries[i], g_strdup ("there is no earlier generation to go back to, and the "
                                            "target does not take the others' either"));
  }
}

/* ERROR is what the target says to the whole batch. */
static void
search (HerdPass *pass, const GError *error)
{
  HerdPassDelivery *const *deliveries = (HerdPassDelivery *const *) pass->deliveries->pdata;
  gboolean dear = herd_adapter_activation_is_dear (pass->target->adapter);
  guint n = pass->deliveries->len;

  take_out_all (pass, deliveries, n);
  if (!activate_target (pass, NULL, NULL)) {
    /* It is not the batch's fault, or not only. */
    blame (deliveries, n, error);
    leave_new (pass, deliveries, n);
  } else if (may_pass (error)) {
    blame (deliveries, n, error);
  } else if (dear) {
    guint tried = try_alone (pass, deliveries, n, error);

    put_off (deliveries + tried, n - tried, error);
  } else if (!try_halves (pass, deliveries, n, TRUE) && pass->down) {
    activate_after (pass, NULL);
  }
  for (guint i = 0; i < n; i++) {
    if (deliveries[i]->error == NULL)
      set_outcome (deliveries[i], NULL);
  }
}

/* --- activating --- */

/* A reader of two paths can straddle the switch of a link: a second time before it counts. One that is
 * started reads them after the switch. */
static gboolean
activate_twice (HerdPass *pass, HerdBundle *bundle, GError **error)
{
  g_autoptr (GError) first = NULL;

  if (activate_target (pass, bundle, &first))
    return TRUE;
  if (!herd_adapter_activation_is_dear (pass->target->adapter))
    return activate_target (pass, bundle, error);
  g_propagate_error (error, g_steal_pointer (&first));
  return FALSE;
}

static void
activate (HerdPass *pass)
{
  HerdPassDelivery *const *deliveries = (HerdPassDelivery *const *) pass->deliveries->pdata;
  guint n = pass->deliveries->len;
  g_autoptr (GError) error = NULL;

  if (herd_adapter_activates_each (pass->target->adapter)) {
    for (guint i = 0; i < n; i++)
      activate_twice (pass, deliveries[i]->bundle, &deliveries[i]->error);
  } else if (!activate_twice (pass, NULL, &error)) {
    /* A server that was stopped for it is not left so. */
    if (herd_adapter_activation_is_dear (pass->target->adapter) || (n > 1 && !may_pass (error)))
      search (pass, error);
    else
      blame (deliveries, n, error);
  }
}

/* TRUE unless the probe of DELIVERY fails; then it has an error. */
static gboolean
probe (HerdPass *pass, HerdPassDelivery *delivery)
{
  const HerdFacts *facts = delivery->bundle->facts;
  g_autofree char *name = NULL;

  if (delivery->error != NULL || delivery->proved)
    return TRUE;
  name = herd_probe_choose_name (pass->target->probe, facts);
  if (name != NULL)
    delivery->proved = herd_probe_run (pass->target->probe, name, facts, HERD_PROBE_PATIENCE,
                                       &delivery->error);
  return delivery->error == NULL;
}

/* What the probe does not see is activated and probed once more. */
static void
prove (HerdPass *pass)
{
  g_autoptr (GPtrArray) unseen = g_ptr_array_new ();
  gboolean each = herd_adapter_activates_each (pass->target->adapter);

  for (guint i = 0; i < pass->deliveries->len; i++) {
    HerdPassDelivery *delivery = g_ptr_array_index (pass->deliveries, i);

    if (!probe (pass, delivery))
      g_ptr_array_add (unseen, delivery);
  }
  for (guint i = 0; i < unseen->len; i++) {
    HerdPassDelivery *delivery = g_ptr_array_index (unseen, i);

    g_clear_error (&delivery->error);
    if ((!each && i > 0)
        || activate_target (pass, each ? delivery->bundle : NULL, &delivery->error))
      probe (pass, delivery);
  }
}

void
herd_pass_activate (HerdPass *pass)
{
  activate (pass);
  if (pass->target->probe != NULL)
    prove (pass);
  go_back (pass);
}
