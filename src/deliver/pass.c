// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The pass. Certificates go through it together (one install, one activation), but each has its own
 * end: a delivery that fails does not take the others with it.
 */
#include "deliver/pass.h"

#include "deliver/pass-private.h"
#include "plugin/error.h"

static void
delivery_free (HerdPassDelivery *delivery)
{
  herd_bundle_unref (delivery->bundle);
  herd_bundle_unref (delivery->previous);
  g_free (delivery->outcome);
  g_clear_error (&delivery->error);
  g_free (delivery);
}

static void
pass_clear (HerdPass *pass)
{
  g_clear_pointer (&pass->target, herd_target_free);
  g_clear_error (&pass->reason);
  g_clear_pointer (&pass->deliveries, g_ptr_array_unref);
  g_clear_pointer (&pass->subscriber, herd_subscriber_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HerdPass, pass_clear)

/* --- acknowledgements --- */

static void
acknowledge (HerdPass *pass, const HerdPending *pending, gboolean applied, const char *message)
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
acknowledge_failure (HerdPass *pass, const HerdPending *pending, const GError *error,
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
withdraw (HerdPass *pass, const HerdPending *pending)
{
  const char *const names[] = { pending->name, NULL };
  g_autoptr (GError) error = NULL;

  if (herd_adapter_withdraw (pass->target->adapter, names, &error))
    acknowledge (pass, pending, TRUE, "");
  else
    acknowledge_failure (pass, pending, error, NULL);
}

/* The agent still has what it announced, or says something newer next time: never a rejection. */
static HerdPassDelivery *
take (HerdPass *pass, const HerdPending *pending)
{
  g_autoptr (GError) error = NULL;
  HerdPassDelivery *delivery;
  HerdBundle *bundle = herd_subscriber_open_bundle (pass->subscriber, pending->path, pending->name,
                                                    pending->generation, &error);

  if (bundle == NULL) {
    g_autofree char *message = g_strconcat ("retry: ", error->message, NULL);

    pass->unsettled = TRUE;
    acknowledge (pass, pending, FALSE, message);
    return NULL;
  }
  delivery = g_new0 (HerdPassDelivery, 1);
  delivery->pending = pending;
  delivery->bundle = bundle;
  return delivery;
}

static gboolean
install_one (HerdPass *pass, HerdPassDelivery *delivery)
{
  g_autoptr (GError) error = NULL;

  if (herd_pass_install (pass, &delivery, 1, &error))
    return TRUE;
  acknowledge_failure (pass, delivery->pending, error, NULL);
  return FALSE;
}

/* All at once; where that fails, one by one, to find whose failure it is. */
static void
install (HerdPass *pass)
{
  HerdPassDelivery **deliveries = (HerdPassDelivery **) pass->deliveries->pdata;

  if (pass->deliveries->len == 0
      || herd_pass_install (pass, deliveries, pass->deliveries->len, NULL))
    return;
  for (guint i = 0; i < pass->deliveries->len;) {
    if (install_one (pass, g_ptr_array_index (pass->deliveries, i)))
      i++;
    else
      g_ptr_array_remove_index (pass->deliveries, i);
  }
}

/* --- the end --- */

static void
acknowledge_all (HerdPass *pass)
{
  for (guint i = 0; i < pass->deliveries->len; i++) {
    const HerdPassDelivery *delivery = g_ptr_array_index (pass->deliveries, i);
    g_autofree char *where = NULL;
    g_autofree char *message = NULL;

    if (delivery->error != NULL) {
      acknowledge_failure (pass, delivery->pending, delivery->error, delivery->outcome);
      continue;
    }
    if (delivery->proved) {
      where = herd_probe_to_string (pass->target->probe);
      message = g_strdup_printf ("proved: %s shows it", where);
    }
    acknowledge (pass, delivery->pending, TRUE, message != NULL ? message : "");
  }
}

static void
deliver (HerdPass *pass, GPtrArray *batch)
{
  for (guint i = 0; i < batch->len; i++) {
    const HerdPending *pending = g_ptr_array_index (batch, i);
    HerdPassDelivery *delivery;

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
  herd_pass_activate (pass);
  acknowledge_all (pass);
}

static void
refuse (HerdPass *pass, GPtrArray *batch)
{
  for (guint i = 0; i < batch->len; i++)
    acknowledge_failure (pass, g_ptr_array_index (batch, i), pass->reason, NULL);
}

int
herd_pass_run (const char *name, const HerdTargetPlaces *places)
{
  g_auto (HerdPass) pass = { NULL };
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
