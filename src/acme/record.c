// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Checkpoints as GVariant: a version, then the fields.
 */
#include "acme/record.h"

#include "plugin/error.h"

#define VERSION 1
#define FORMAT "(uusba(ssssss))"

HerdPresented *
herd_presented_new (HerdChallenge *challenge, const char *wish, const char *solver,
                    gpointer instance)
{
  HerdPresented *presented = g_new0 (HerdPresented, 1);

  presented->challenge = herd_challenge_ref (challenge);
  presented->wish = g_strdup (wish);
  presented->solver = g_strdup (solver);
  presented->instance = instance != NULL ? g_object_ref (instance) : NULL;
  return presented;
}

void
herd_presented_free (HerdPresented *presented)
{
  if (presented == NULL)
    return;
  herd_challenge_unref (presented->challenge);
  g_free (presented->wish);
  g_free (presented->solver);
  g_clear_object (&presented->instance);
  g_free (presented);
}

HerdRecord *
herd_record_new (void)
{
  HerdRecord *record = g_new0 (HerdRecord, 1);

  record->presented = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_presented_free);
  return record;
}

void
herd_record_free (HerdRecord *record)
{
  if (record == NULL)
    return;
  g_free (record->order_url);
  g_ptr_array_unref (record->presented);
  g_free (record);
}

GBytes *
herd_record_to_bytes (const HerdRecord *record)
{
  g_autoptr (GVariant) variant = NULL;
  GVariantBuilder presented;

  g_variant_builder_init (&presented, G_VARIANT_TYPE ("a(ssssss)"));
  for (guint i = 0; i < record->presented->len; i++) {
    HerdPresented *one = record->presented->pdata[i];

    g_variant_builder_add (&presented, "(ssssss)", one->solver, one->wish, one->challenge->type,
                           one->challenge->identifier, one->challenge->token,
                           one->challenge->key_authorization);
  }
  variant = g_variant_ref_sink (g_variant_new (FORMAT, VERSION, record->attempts,
                                               record->order_url != NULL ? record->order_url : "",
                                               record->finalized, &presented));
  return g_variant_get_data_as_bytes (variant);
}

HerdRecord *
herd_record_new_from_bytes (GBytes *bytes, GError **error)
{
  g_autoptr (GVariant) variant = g_variant_ref_sink (
      g_variant_new_from_bytes (G_VARIANT_TYPE (FORMAT), bytes, FALSE));
  g_autoptr (GVariantIter) presented = NULL;
  const char *solver, *wish, *type, *identifier, *token, *key_authorization;
  HerdRecord *record;
  guint32 version = 0;

  if (g_variant_is_normal_form (variant))
    g_variant_get_child (variant, 0, "u", &version);
  if (version != VERSION) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_FAILED,
                         "the saved order cannot be read; it is of another version, or damaged");
    return NULL;
  }
  record = herd_record_new ();
  g_variant_get (variant, FORMAT, NULL, &record->attempts, &record->order_url, &record->finalized,
                 &presented);
  if (*record->order_url == '\0')
    g_clear_pointer (&record->order_url, g_free);
  while (g_variant_iter_next (presented, "(&s&s&s&s&s&s)", &solver, &wish, &type, &identifier,
                              &token, &key_authorization)) {
    g_autoptr (HerdChallenge)
        challenge = herd_challenge_new (type, identifier, token, key_authorization);

    g_ptr_array_add (record->presented, herd_presented_new (challenge, wish, solver, NULL));
  }
  return record;
}
