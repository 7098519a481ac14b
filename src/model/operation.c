// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Operations and their steps.
 */
#include "model/operation.h"

const char *
herd_operation_state_to_string (HerdOperationState state)
{
  switch (state) {
  case HERD_OPERATION_RUNNING:
    return "running";
  case HERD_OPERATION_DONE:
    return "done";
  case HERD_OPERATION_FAILED:
    return "failed";
  case HERD_OPERATION_CANCELLED:
    return "cancelled";
  }
  return "running";
}

static void
operation_step_free (HerdOperationStep *step)
{
  g_free (step->name);
  g_clear_pointer (&step->said, g_variant_unref);
  g_free (step);
}

HerdOperation *
herd_operation_new (guint64 id, const char *kind, guint32 starter, gint64 started)
{
  HerdOperation *operation = g_new0 (HerdOperation, 1);

  operation->id = id;
  operation->kind = g_strdup (kind);
  operation->starter = starter;
  operation->step = g_strdup ("");
  operation->steps = g_ptr_array_new_with_free_func ((GDestroyNotify) operation_step_free);
  operation->error = g_strdup ("");
  operation->error_message = g_strdup ("");
  operation->options = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  operation->started = started;
  return operation;
}

void
herd_operation_free (HerdOperation *operation)
{
  if (operation == NULL)
    return;
  g_free (operation->kind);
  g_free (operation->step);
  g_ptr_array_unref (operation->steps);
  g_free (operation->error);
  g_free (operation->error_message);
  g_variant_unref (operation->options);
  g_clear_pointer (&operation->findings, g_variant_unref);
  g_free (operation);
}

static void
add_step (HerdOperation *operation, const char *name, gint64 entered, gint64 left)
{
  HerdOperationStep *step = g_new0 (HerdOperationStep, 1);

  step->name = g_strdup (name);
  step->entered = entered;
  step->left = left;
  g_ptr_array_add (operation->steps, step);
}

static GVariant *
new_entry (const char *key, GVariant *value)
{
  return g_variant_new_dict_entry (g_variant_new_string (key), g_variant_new_variant (value));
}

/* Floating. */
static GVariant *
say_step (const HerdOperationStep *step)
{
  GVariant *entries[] = {
    new_entry ("name", g_variant_new_string (step->name)),
    new_entry ("entered", g_variant_new_int64 (step->entered)),
    new_entry ("left", g_variant_new_int64 (step->left)),
  };

  return g_variant_new_array (NULL, entries, G_N_ELEMENTS (entries));
}

/* A running operation says its steps at each commit and to the bus, a dozen times: those that were left
 * are put into words once. */
static void
leave_step (HerdOperation *operation, gint64 now)
{
  HerdOperationStep *last;

  if (operation->steps->len == 0)
    return;
  last = g_ptr_array_index (operation->steps, operation->steps->len - 1);
  if (last->left != 0)
    return;
  last->left = now;
  last->said = g_variant_ref_sink (say_step (last));
}

void
herd_operation_restore (HerdOperation *operation, HerdOperation *saved)
{
  operation->generation = saved->generation;
  herd_operation_free (saved);
}

void
herd_operation_enter (HerdOperation *operation, const char *step, double progress, gint64 now)
{
  operation->progress = progress;
  if (g_str_equal (operation->step, step))
    return;
  leave_step (operation, now);
  add_step (operation, step, now, 0);
  g_free (operation->step);
  operation->step = g_strdup (step);
}

void
herd_operation_forget (HerdOperation *operation)
{
  for (guint i = 0; i < operation->steps->len; i++) {
    HerdOperationStep *step = g_ptr_array_index (operation->steps, i);

    g_clear_pointer (&step->said, g_variant_unref);
  }
}

void
herd_operation_end (HerdOperation *operation, HerdOperationState state, const char *error,
                    const char *message, gint64 now)
{
  leave_step (operation, now);
  operation->state = state;
  operation->ended = now / G_USEC_PER_SEC;
  if (state == HERD_OPERATION_DONE)
    operation->progress = 1.0;
  g_free (operation->error);
  g_free (operation->error_message);
  operation->error = g_strdup (error != NULL ? error : "");
  operation->error_message = g_strdup (message != NULL ? message : "");
}

void
herd_operation_set_findings (HerdOperation *operation, GVariant *findings)
{
  g_variant_ref (findings);
  g_clear_pointer (&operation->findings, g_variant_unref);
  operation->findings = findings;
}

GVariant *
herd_operation_steps_to_variant (const HerdOperation *operation)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < operation->steps->len; i++) {
    const HerdOperationStep *step = g_ptr_array_index (operation->steps, i);

    g_variant_builder_add_value (&builder, step->said != NULL ? step->said : say_step (step));
  }
  return g_variant_builder_end (&builder);
}

void
herd_operation_steps_from_variant (HerdOperation *operation, GVariant *steps)
{
  GVariantIter iter;
  GVariant *entry;

  g_ptr_array_set_size (operation->steps, 0);
  g_variant_iter_init (&iter, steps);
  while (g_variant_iter_loop (&iter, "@a{sv}", &entry)) {
    const char *name = "";
    gint64 entered = 0, left = 0;

    g_variant_lookup (entry, "name", "&s", &name);
    g_variant_lookup (entry, "entered", "x", &entered);
    g_variant_lookup (entry, "left", "x", &left);
    add_step (operation, name, entered, left);
  }
}
