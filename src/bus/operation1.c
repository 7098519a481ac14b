// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.certherd.Operation1.
 */
#include "bus/details.h"
#include "bus/table.h"
#include "herd-interfaces.h"

/* Its starter may always. */
static const char *
decide_cancel (HerdBusCall *call)
{
  const HerdOperation *operation = herd_bus_get_row (call->agent, call->noun, call->id);

  return operation->starter == call->uid ? NULL : herd_bus_decide_manage (call);
}

static void
start_cancel (HerdBusCall *call, gpointer slot)
{
  herd_agent_cancel_async (call->agent, call->id, herd_run_ready, slot);
}

static const HerdBusMethod methods[] = {
  { .member = "Cancel",
    .decide = decide_cancel,
    .start = start_cancel,
    .finish = herd_bus_finish_nothing },
  { NULL },
};

static GVariant *
get_kind (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdOperation *) row)->kind);
}

static GVariant *
get_object (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  const HerdOperation *operation = row;

  return operation->certificate != 0
             ? herd_bus_new_path (HERD_NOUN_CERTIFICATE, operation->certificate)
             : herd_bus_new_path (HERD_NOUN_ISSUER, operation->issuer);
}

static GVariant *
get_state (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (herd_operation_state_to_string (((HerdOperation *) row)->state));
}

static GVariant *
get_step (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdOperation *) row)->step);
}

static GVariant *
get_progress (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_double (((HerdOperation *) row)->progress);
}

static GVariant *
get_steps (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return herd_operation_steps_to_variant (row);
}

static GVariant *
get_error (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdOperation *) row)->error);
}

static GVariant *
get_error_message (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdOperation *) row)->error_message);
}

static GVariant *
get_result (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  const HerdOperation *operation = row;
  g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (NULL);

  if (operation->generation != 0)
    g_variant_dict_insert (&dictionary, "generation", "t", operation->generation);
  if (operation->findings != NULL)
    g_variant_dict_insert_value (&dictionary, "findings", operation->findings);
  return g_variant_dict_end (&dictionary);
}

static const HerdBusProperty properties[] = {
  { "Kind", get_kind },         { "Object", get_object },
  { "State", get_state },       { "Step", get_step },
  { "Progress", get_progress }, { "Steps", get_steps },
  { "Error", get_error },       { "ErrorMessage", get_error_message },
  { "Result", get_result },     { NULL, NULL },
};

const HerdBusInterface herd_bus_operation1 = {
  .info = &org_certherd_operation1_interface,
  .noun = HERD_NOUN_OPERATION,
  .methods = methods,
  .properties = properties,
};
