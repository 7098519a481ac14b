// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The double of an issuer: renewal information.
 */
#include "renewal-double.h"

#include "plugin/error.h"

static const char *const names[] = { "suggests", "lingers", "hurries", "absurd",
                                     "silent",   "lasts",   NULL };
/* When their windows begin, seconds from now, and how long they are. */
static const gint64 starts[] = { 40000, 70000, -3600, 4000000000, 0, -1 };
static const gint64 lengths[] = { 1000, 1000, 1000, 1000, 0, 1000000 };

static guint
find (const char *name)
{
  guint row = 0;

  while (names[row] != NULL && !g_str_equal (names[row], name))
    row++;
  return row;
}

static void
ask (HerdIssuer *issuer, GBytes *chain G_GNUC_UNUSED, HerdIssuerHost *host G_GNUC_UNUSED,
     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (issuer, cancellable, callback, data);
  const char *name = g_object_get_data (G_OBJECT (issuer), "name");
  gint64 now = herd_clock_get_seconds (g_object_get_data (G_OBJECT (issuer), "clock"));
  HerdRenewalInfo *info;

  if (g_str_equal (name, "silent")) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_UNREACHABLE, "the double is down");
    return;
  }
  info = g_new0 (HerdRenewalInfo, 1);
  info->start = now + starts[find (name)];
  info->end = info->start + lengths[find (name)];
  info->explanation_url = g_strdup ("https://ca.test/why");
  info->retry_at = now + 3600;
  g_task_return_pointer (task, info, (GDestroyNotify) herd_renewal_info_free);
}

static HerdRenewalInfo *
ask_finish (HerdIssuer *issuer G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
renewal_double_init (HerdIssuerInterface *iface)
{
  iface->renewal_info_async = ask;
  iface->renewal_info_finish = ask_finish;
}

void
renewal_double_set_up (HerdIssuer *issuer, const char *name, HerdClock *clock, HerdAccount *account)
{
  g_object_set_data (G_OBJECT (issuer), "name", (gpointer) name);
  if (names[find (name)] == NULL)
    return;
  g_object_set_data (G_OBJECT (issuer), "clock", clock);
  g_strfreev (account->capabilities);
  account->capabilities = g_strsplit ("ari", " ", -1);
}
