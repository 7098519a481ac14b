// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The pass. Certificates go through it together (one install, one activation), but each has its own
 * end: a delivery that fails does not take the others with it.
 */
#include "deliver/pass.h"

#include "deliver/probe.h"
#include "deliver/subscriber.h"
#include "plugin/error.h"

typedef struct {
  const HerdPending *pending;
  HerdBundle *bundle; /* NULL: not taken */
  gboolean proved;
  GError *error; /* why it failed so far */
} Delivery;

typedef struct {
  HerdTarget *target; /* NULL: it cannot be used, for reason */
  GError *reason;
  HerdSubscriber *subscriber;
  GPtrArray *deliveries; /* Delivery: those that are installed */
  gboolean unsettled;    /* something stays pending */
} Pass;

static void
delivery_free (Delivery *delivery)
{
  herd_bundle_unref (delivery->bundle);
  g_clear_error (&delivery->error);
  g_free (delivery);
}

static void
pass_clear (Pass *pass)
{
  g_clear_pointer (&pass->target, herd_target_free);
  g_clear_error (&pass->reason);
  g_clear_pointer (&pass->deliveries, g_ptr_array_unref);
  g_clear_pointer (&pass->subscriber, herd_subscriber_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pass, pass_clear)

/* --- acknowledgements --- */

static void
acknowledge (Pass *pass, const HerdPending *pending, gboolean applied, const char *message)
{
  g_autoptr (GError) error = NULL;

  if (!applied)
    g_printerr ("certherd-deliver: %s: %s\n", pending->name, message);
  if (herd_subscriber_acknowledge (pass->subscriber, pending->path, pending->generation, applied,
                                   message, &error))
    return;
  /* The agent does not know, so it starts us again. */
  g_printerr ("certherd-deliver: %s: %s\n", pending->name, error->message);
  pass->unsettled = TRUE;
}

/* What may pass by itself is tried again; everything else is rejected. AFTERWARDS says what was done
 * about it, or is NULL. */
static void
acknowledge_failure (Pass *pass, const HerdPending *pending, const GError *error,
                     const char *afterwards)
{
  HerdErrorClass error_class = herd_error_class (error);
  gboolean again = error_class == HERD_ERROR_CLASS_BACKOFF || error_class == HERD_ERROR_CLASS_TIMED;
  g_autofree char *message = g_strdup_printf ("%s%s%s%s", again ? "retry: " : "", error->message,
                                              afterwards != NULL ? "; " : "",
                                              afterwards != NULL ? afterwards : "");

  pass->unsettled = pass->unsettled || again;
  acknowledge (pass, pending, FALSE, message);
}

/* --- installing --- */

static void
withdraw (Pass *pass, const HerdPending *pending)
{
  const char *const names[] = { pending->name, NULL };
  g_autoptr (GError) error = NULL;

  if (herd_adapter_withdraw (pass->target->adapter, names, &error))
    acknowledge (pass, pending, TRUE, "");
  else
    acknowledge_failure (pass, pending, error, NULL);
}

/* The agent still has what it announced, or says something newer next time: never a rejection. */
static Delivery *
take (Pass *pass, const HerdPending *pending)
{
  g_autoptr (GError) error = NULL;
  Delivery *delivery;
  HerdBundle *bundle = herd_subscriber_open_bundle (pass->subscriber, pending->path, pending->name,
                                                    pending->generation, &error);

  if (bundle == NULL) {
    g_autofree char *message = g_strconcat ("retry: ", error->message, NULL);

    pass->unsettled = TRUE;
    acknowledge (pass, pending, FALSE, message);
    return NULL;
  }
  delivery = g_new0 (Delivery, 1);
  delivery->pending = pending;
  delivery->bundle = bundle;
  return delivery;
}

static GPtrArray *
list_bundles (GPtrArray *deliveries)
{
  GPtrArray *bundles = g_ptr_array_new ();

  for (guint i = 0; i < deliveries->len; i++)
    g_ptr_array_add (bundles, ((Delivery *) g_ptr_array_index (deliveries, i))->bundle);
  return bundles;
}

static gboolean
install_one (Pass *pass, Delivery *delivery)
{
  g_autoptr (GPtrArray) bundles = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (bundles, delivery->bundle);
  if (herd_adapter_install (pass->target->adapter, bundles, &error))
    return TRUE;
  acknowledge_failure (pass, delivery->pending, error, NULL);
  return FALSE;
}

/* All at once; where that fails, one by one, to find whose failure it is. */
static void
install (Pass *pass)
{
  g_autoptr (GPtrArray) bundles = list_bundles (pass->deliveries);

  if (bundles->len == 0 || herd_adapter_install (pass->target->adapter, bundles, NULL))
    return;
  for (guint i = 0; i < pass->deliveries->len;) {
    if (install_one (pass, g_ptr_array_index (pass->deliveries, i)))
      i++;
    else
      g_ptr_array_remove_index (pass->deliveries, i);
  }
}

/* --- activating --- */

static void
probe (Pass *pass, Delivery *delivery)
{
  const HerdFacts *facts = delivery->bundle->facts;
  g_autofree char *name = NULL;

  if (pass->target->probe == NULL)
    return;
  name = herd_probe_choose_name (pass->target->probe, facts);
  if (name != NULL)
    delivery->proved = herd_probe_run (pass->target->probe, name, facts, HERD_PROBE_PATIENCE,
                                       &delivery->error);
}

/* One activation, and the probes after it. FALSE: some delivery has an error now. */
static gboolean
activate (Pass *pass)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = herd_adapter_activate (pass->target->adapter, &error);

  for (guint i = 0; i < pass->deliveries->len; i++) {
    Delivery *delivery = g_ptr_array_index (pass->deliveries, i);

    g_clear_error (&delivery->error);
    if (error != NULL)
      delivery->error = g_error_copy (error);
    else if (!delivery->proved)
      probe (pass, delivery);
    ok = ok && delivery->error == NULL;
  }
  return ok;
}

/* The generation that the target had before; NULL with an ERROR, or without: there is none. */
static HerdBundle *
take_previous (Pass *pass, const Delivery *delivery, GError **error)
{
  const HerdPending *pending = delivery->pending;
  guint64 applied;

  if (!herd_subscriber_get_applied (pass->subscriber, pending->path, &applied, error))
    return NULL;
  if (applied == 0 || applied == pending->generation)
    return NULL;
  return herd_subscriber_open_bundle (pass->subscriber, pending->path, pending->name, applied,
                                      error);
}

/* Puts back what DELIVERY replaced, and says how that went. */
static char *
restore (Pass *pass, const Delivery *delivery, gboolean *restored)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdBundle) previous = take_previous (pass, delivery, &error);
  g_autoptr (GPtrArray) bundles = g_ptr_array_new ();

  if (previous == NULL && error == NULL)
    return g_strdup ("there is no earlier generation to go back to");
  g_ptr_array_add (bundles, previous);
  if (previous != NULL && herd_adapter_restore (pass->target->adapter, bundles, &error)) {
    *restored = TRUE;
    return g_strdup_printf ("generation %" G_GUINT64_FORMAT " is back in place",
                            previous->generation);
  }
  return g_strdup_printf ("the earlier generation could not be put back: %s", error->message);
}

/* Every delivery that failed twice goes back; then the target is activated once more. */
static void
go_back (Pass *pass)
{
  g_autoptr (GPtrArray) outcomes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  gboolean restored = FALSE;

  for (guint i = 0; i < pass->deliveries->len; i++) {
    const Delivery *delivery = g_ptr_array_index (pass->deliveries, i);

    g_ptr_array_add (outcomes,
                     delivery->error != NULL ? restore (pass, delivery, &restored) : NULL);
  }
  if (restored && !herd_adapter_activate (pass->target->adapter, &error))
    g_printerr ("certherd-deliver: after going back: %s\n", error->message);
  for (guint i = 0; i < pass->deliveries->len; i++) {
    const Delivery *delivery = g_ptr_array_index (pass->deliveries, i);

    if (delivery->error != NULL)
      acknowledge_failure (pass, delivery->pending, delivery->error,
                           g_ptr_array_index (outcomes, i));
  }
}

static void
acknowledge_successes (Pass *pass)
{
  for (guint i = 0; i < pass->deliveries->len; i++) {
    const Delivery *delivery = g_ptr_array_index (pass->deliveries, i);
    g_autofree char *where = NULL;
    g_autofree char *message = NULL;

    if (delivery->error != NULL)
      continue;
    if (delivery->proved) {
      where = herd_probe_to_string (pass->target->probe);
      message = g_strdup_printf ("proved: %s shows it", where);
    }
    acknowledge (pass, delivery->pending, TRUE, message != NULL ? message : "");
  }
}

static void
deliver (Pass *pass, GPtrArray *batch)
{
  for (guint i = 0; i < batch->len; i++) {
    const HerdPending *pending = g_ptr_array_index (batch, i);
    Delivery *delivery;

    if (pending->generation == 0) {
      withdraw (pass, pending);
      continue;
    }
    delivery = take (pass, pending);
    if (delivery != NULL)
      g_ptr_array_add (pass->deliveries, delivery);
  }
  install (pass);
  if (pass->deliveries->len == 0)
    return;
  /* A reader of two paths can straddle the switch of a link: a second time before it counts. */
  if (!activate (pass) && !activate (pass))
    go_back (pass);
  acknowledge_successes (pass);
}

static void
refuse (Pass *pass, GPtrArray *batch)
{
  for (guint i = 0; i < batch->len; i++)
    acknowledge_failure (pass, g_ptr_array_index (batch, i), pass->reason, NULL);
}

int
herd_pass_run (const char *name, const HerdTargetPlaces *places)
{
  g_auto (Pass) pass = { NULL };
  g_autoptr (GPtrArray) batch = NULL;
  g_autoptr (GError) error = NULL;

  pass.deliveries = g_ptr_array_new_with_free_func ((GDestroyNotify) delivery_free);
  /* A target that cannot be used is told to the agent too, where people look. */
  pass.target = herd_target_load (name, places, &pass.reason);
  if (pass.target == NULL)
    g_printerr ("certherd-deliver: %s\n", pass.reason->message);
  pass.subscriber = herd_subscriber_new (places->session, name, &error);
  if (pass.subscriber != NULL)
    batch = herd_subscriber_collect (pass.subscriber, &error);
  if (batch == NULL) {
    g_printerr ("certherd-deliver: %s\n", error->message);
    return herd_error_class (error) == HERD_ERROR_CLASS_BACKOFF ? HERD_PASS_PENDING
                                                                : HERD_PASS_FAILED;
  }
  if (pass.target == NULL)
    refuse (&pass, batch);
  else
    deliver (&pass, batch);
  if (pass.target == NULL)
    return HERD_PASS_FAILED;
  return pass.unsettled ? HERD_PASS_PENDING : HERD_PASS_DONE;
}
