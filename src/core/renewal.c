// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rules of when.
 */
#include "core/renewal.h"

#include "config/vocabulary.h"

#define DAY (24 * 3600)
#define SPREAD 0.02
#define BACKOFF_MAX (7 * DAY) /* as long as a CA may ask to be left alone */

static double
auto_fraction (gint64 lifetime)
{
  return lifetime < 10 * DAY ? 1.0 / 2.0 : 2.0 / 3.0;
}

gint64
herd_renewal_get_time (const HerdGeneration *generation, const char *rule, double random)
{
  gint64 lifetime = generation->not_after - generation->not_before;
  gint64 before, when;
  double left;

  if (herd_duration_parse (rule, &before, NULL))
    when = generation->not_after - before;
  else if (herd_percentage_parse (rule, &left, NULL))
    when = generation->not_after - (gint64) ((double) lifetime * left);
  else
    when = generation->not_before
           + (gint64) ((double) lifetime
                       * (auto_fraction (lifetime) + SPREAD * (2.0 * random - 1.0)));
  return CLAMP (when, generation->not_before, generation->not_after);
}

char *
herd_renewal_get_reason (const HerdGeneration *generation, const char *rule)
{
  gint64 lifetime = generation->not_after - generation->not_before;

  if (!g_str_equal (rule, "auto"))
    return g_strdup_printf ("renew = %s before the expiry", rule);
  return g_strdup_printf ("%s of the lifetime", lifetime < 10 * DAY ? "half" : "two thirds");
}

gint64
herd_backoff_get_delay (guint failures, double random)
{
  static const gint64 minutes[] = { 1, 10, 100, 360 };
  guint row = MIN (MAX (failures, 1), G_N_ELEMENTS (minutes)) - 1;
  double seconds = (double) (minutes[row] * 60);

  return (gint64) (seconds * (1.0 + 0.1 * (2.0 * random - 1.0)));
}

gint64
herd_backoff_get_time (const GError *error, guint failures, gint64 now, double random)
{
  gint64 delay = herd_backoff_get_delay (failures, random);

  switch (herd_error_class (error)) {
  case HERD_ERROR_CLASS_TIMED:
    return CLAMP (herd_error_get_retry_at (error), now + 1, now + BACKOFF_MAX);
  case HERD_ERROR_CLASS_IMMEDIATE:
  case HERD_ERROR_CLASS_BACKOFF:
    return now + delay;
  /* Somebody has to act first; a look now and then notices that they have. */
  case HERD_ERROR_CLASS_HUMAN:
    return now + herd_backoff_get_delay (4, random);
  case HERD_ERROR_CLASS_PERMANENT:
    return now + 4 * herd_backoff_get_delay (4, random);
  }
  return now + delay;
}

gint64
herd_backoff_check_time (gint64 retry_at, gint64 now)
{
  return retry_at > now + BACKOFF_MAX ? 0 : retry_at;
}
