// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Operations in the journal. GLib's log writer sends the fields to journald where there is one.
 */
#include "core/journal.h"

static void
say (HerdRegistry *registry, const HerdOperation *operation, GLogLevelFlags level, const char *step,
     const char *text)
{
  const HerdCertificate *certificate = herd_registry_get_certificate (registry,
                                                                      operation->certificate);
  const HerdAuthority *authority = herd_registry_get_authority (registry, operation->issuer);
  const char *name = certificate != NULL ? certificate->name
                     : authority != NULL ? authority->name
                                         : "removed";
  g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT, operation->id);

  g_log_structured (G_LOG_DOMAIN, level, "CERT", "%s", certificate != NULL ? name : "", "ISSUER",
                    "%s", authority != NULL ? authority->name : "", "OPERATION", "%s", id, "STEP",
                    "%s", step, "MESSAGE", "%s: %s: %s", name, operation->kind, text);
}

void
herd_journal_step (HerdRegistry *registry, const HerdOperation *operation, const char *step)
{
  say (registry, operation, G_LOG_LEVEL_INFO, step, step);
}

void
herd_journal_end (HerdRegistry *registry, const HerdOperation *operation)
{
  switch (operation->state) {
  case HERD_OPERATION_RUNNING:
    break;
  case HERD_OPERATION_DONE:
    say (registry, operation, G_LOG_LEVEL_MESSAGE, operation->step, "done");
    break;
  case HERD_OPERATION_CANCELLED:
    say (registry, operation, G_LOG_LEVEL_MESSAGE, operation->step, "cancelled");
    break;
  case HERD_OPERATION_FAILED:
    say (registry, operation, G_LOG_LEVEL_WARNING, operation->step, operation->error_message);
    break;
  }
}
