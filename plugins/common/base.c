// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The beginning of an adapter.
 */
#include "base.h"

#include "plugin/error.h"

#define TIMEOUT_MAX 3600

enum {
  PROP_0,
  PROP_TARGET,
  PROP_SETTINGS,
};

static void
base_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  HerdAdapterBase *base = (HerdAdapterBase *) object;

  if (id == PROP_TARGET)
    base->target = g_value_dup_string (value);
  else if (id == PROP_SETTINGS)
    base->settings = g_value_dup_boxed (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
base_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  HerdAdapterBase *base = (HerdAdapterBase *) object;

  if (id == PROP_TARGET)
    g_value_set_string (value, base->target);
  else if (id == PROP_SETTINGS)
    g_value_set_boxed (value, base->settings);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
base_finalize (GObject *object)
{
  HerdAdapterBase *base = (HerdAdapterBase *) object;

  g_free (base->target);
  g_clear_pointer (&base->settings, g_hash_table_unref);
  g_clear_pointer (&base->output, herd_output_free);
  G_OBJECT_CLASS (g_type_class_peek (G_TYPE_OBJECT))->finalize (object);
}

void
herd_adapter_base_class_init (GObjectClass *klass)
{
  klass->set_property = base_set_property;
  klass->get_property = base_get_property;
  klass->finalize = base_finalize;
  g_object_class_override_property (klass, PROP_TARGET, "target");
  g_object_class_override_property (klass, PROP_SETTINGS, "settings");
}

const char *
herd_adapter_base_get (HerdAdapterBase *base, const char *key)
{
  return g_hash_table_lookup (base->settings, key);
}

gboolean
herd_adapter_base_fail (HerdAdapterBase *base, const char *key, const char *why, GError **error)
{
  const char *value = herd_adapter_base_get (base, key);

  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "target %s: %s%s%s: %s",
               base->target, key, value != NULL ? " = " : "", value != NULL ? value : "", why);
  return FALSE;
}

gboolean
herd_adapter_base_check_output (HerdAdapterBase *base, gboolean required, GError **error)
{
  HerdOutput *output;

  if (!required && herd_adapter_base_get (base, "path") == NULL
      && !g_str_equal (base->target, "live"))
    return TRUE;
  output = herd_output_new (base->target, base->settings, error);
  if (output == NULL)
    return FALSE;
  g_clear_pointer (&base->output, herd_output_free);
  base->output = output;
  return TRUE;
}

gboolean
herd_adapter_base_check_timeout (HerdAdapterBase *base, gint64 fallback, gint64 *seconds,
                                 GError **error)
{
  const char *text = herd_adapter_base_get (base, "timeout");
  char *unit;
  gint64 number;

  if (text == NULL) {
    *seconds = fallback;
    return TRUE;
  }
  number = g_ascii_strtoll (text, &unit, 10);
  if (number < 1 || number > TIMEOUT_MAX)
    number = 0;
  else if (g_str_equal (unit, "m"))
    number *= 60;
  else if (g_str_equal (unit, "h"))
    number *= 3600;
  else if (!g_str_equal (unit, "s"))
    number = 0;
  if (number < 1 || number > TIMEOUT_MAX)
    return herd_adapter_base_fail (base, "timeout", "a duration up to 1h such as 90s is needed",
                                   error);
  *seconds = number;
  return TRUE;
}

gboolean
herd_adapter_base_install (HerdAdapter *adapter, GPtrArray *bundles, GError **error)
{
  HerdAdapterBase *base = (HerdAdapterBase *) adapter;

  return base->output == NULL || herd_output_install (base->output, bundles, error);
}

gboolean
herd_adapter_base_withdraw (HerdAdapter *adapter, const char *const *names, GError **error)
{
  HerdAdapterBase *base = (HerdAdapterBase *) adapter;

  return base->output == NULL || herd_output_withdraw (base->output, names, error);
}
