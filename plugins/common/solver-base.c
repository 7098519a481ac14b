// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What solvers have in common.
 */
#include "solver-base.h"

#include "plugin/challenge.h"
#include "plugin/error.h"
#include "plugin/identifier.h"

enum {
  PROP_0,
  PROP_HOST,
};

static void
base_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  if (id == PROP_HOST)
    ((HerdSolverBase *) object)->host = g_value_get_object (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
base_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  if (id == PROP_HOST)
    g_value_set_object (value, ((HerdSolverBase *) object)->host);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

void
herd_solver_base_class_init (GObjectClass *klass)
{
  klass->set_property = base_set_property;
  klass->get_property = base_get_property;
  g_object_class_override_property (klass, PROP_HOST, "host");
}

const char *
herd_solver_base_get (HerdSolverBase *base, const char *key)
{
  return herd_solver_host_get_setting (base->host, key);
}

gboolean
herd_solver_base_get_switch (HerdSolverBase *base, const char *key)
{
  return g_strcmp0 (herd_solver_base_get (base, key), "yes") == 0;
}

gboolean
herd_solver_base_fail (HerdSolverBase *base, const char *key, const char *why, GError **error)
{
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "solver %s: %s: %s",
               herd_solver_host_get_name (base->host), key, why);
  return FALSE;
}

const char *const *
herd_solver_base_list_type (const char *type, const char *identifier)
{
  static const char *const http_01[] = { "http-01", NULL };
  static const char *const dns_01[] = { "dns-01", NULL };
  static const char *const tls_alpn_01[] = { "tls-alpn-01", NULL };
  static const char *const none[] = { NULL };
  gboolean by_dns = g_str_equal (type, "dns-01");

  if (by_dns ? !g_str_equal (herd_identifier_get_type_name (identifier), "dns")
             : herd_identifier_is_wildcard (identifier))
    return none;
  if (by_dns)
    return dns_01;
  return g_str_equal (type, "http-01") ? http_01 : tls_alpn_01;
}

char **
herd_solver_base_make_records (GPtrArray *challenges)
{
  char **records = g_new0 (char *, 2 * challenges->len + 1);

  for (guint i = 0; i < challenges->len; i++) {
    records[2 * i] = herd_challenge_get_dns_name (challenges->pdata[i]);
    records[2 * i + 1] = herd_challenge_get_dns_value (challenges->pdata[i]);
  }
  return records;
}

char *
herd_solver_base_describe (GPtrArray *challenges)
{
  const HerdChallenge *first = g_ptr_array_index (challenges, 0);

  if (challenges->len == 1)
    return g_strdup (first->identifier);
  return g_strdup_printf ("%s and %u more", first->identifier, challenges->len - 1);
}
