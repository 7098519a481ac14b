// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lists of findings.
 */
#include "core/findings.h"

#include "util/text.h"

#define MESSAGE_MAX 2048 /* bytes: what servers of a zone say is put together */

struct HerdFindings {
  GPtrArray *rows; /* GVariant a{sv} */
};

static const char *const words[] = { "ok", "notice", "warning", "error" };

HerdFindings *
herd_findings_new (void)
{
  HerdFindings *findings = g_new0 (HerdFindings, 1);

  findings->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  return findings;
}

void
herd_findings_free (HerdFindings *findings)
{
  if (findings == NULL)
    return;
  g_ptr_array_unref (findings->rows);
  g_free (findings);
}

/* ISSUER NULL: of all, or of none. */
static void
add (HerdFindings *findings, const char *issuer, const char *identifier, const char *check,
     HerdSeverity severity, const char *message)
{
  g_auto (GVariantDict) row = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *clean = herd_text_lines_from_remote (message, -1, MESSAGE_MAX);

  if (issuer != NULL)
    g_variant_dict_insert (&row, "issuer", "s", issuer);
  g_variant_dict_insert (&row, "identifier", "s", identifier);
  g_variant_dict_insert (&row, "check", "s", check);
  g_variant_dict_insert (&row, "severity", "s", words[severity]);
  g_variant_dict_insert (&row, "message", "s", clean);
  g_ptr_array_add (findings->rows, g_variant_ref_sink (g_variant_dict_end (&row)));
}

void
herd_findings_add (HerdFindings *findings, const char *identifier, const char *check,
                   HerdSeverity severity, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  add (findings, NULL, identifier, check, severity, message);
}

void
herd_findings_add_for (HerdFindings *findings, const char *issuer, const char *identifier,
                       const char *check, HerdSeverity severity, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  add (findings, issuer, identifier, check, severity, message);
}

GVariant *
herd_findings_to_variant (const HerdFindings *findings)
{
  return g_variant_ref_sink (g_variant_new_array (
      G_VARIANT_TYPE_VARDICT, (GVariant *const *) findings->rows->pdata, findings->rows->len));
}

GVariant *
herd_findings_select_bad (GVariant *findings)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  GVariantIter iter;
  GVariant *row;

  g_variant_iter_init (&iter, findings);
  while (g_variant_iter_loop (&iter, "@a{sv}", &row)) {
    const char *severity = "";

    g_variant_lookup (row, "severity", "&s", &severity);
    if (g_str_equal (severity, words[HERD_SEVERITY_WARNING])
        || g_str_equal (severity, words[HERD_SEVERITY_ERROR]))
      g_variant_builder_add_value (&builder, row);
  }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* What the CA says is no guess. */
static GVariant *
new_part (GVariant *part)
{
  g_auto (GVariantDict) row = G_VARIANT_DICT_INIT (part);
  g_autofree char *message = NULL;
  const char *detail = "", *type = "";

  g_variant_lookup (part, "detail", "&s", &detail);
  g_variant_lookup (part, "type", "&s", &type);
  message = g_strdup_printf ("%s%s%s%s%s", detail, *detail != '\0' && *type != '\0' ? " " : "",
                             *type != '\0' ? "(" : "", type, *type != '\0' ? ")" : "");
  g_variant_dict_remove (&row, "detail");
  g_variant_dict_insert (&row, "check", "s", HERD_CHECK_CA);
  g_variant_dict_insert (&row, "severity", "s", words[HERD_SEVERITY_ERROR]);
  g_variant_dict_insert (&row, "message", "s", message);
  return g_variant_dict_end (&row);
}

GVariant *
herd_findings_add_parts (GVariant *findings, GVariant *parts)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  GVariantIter iter;
  GVariant *row;

  g_variant_iter_init (&iter, parts);
  while (g_variant_iter_loop (&iter, "@a{sv}", &row))
    g_variant_builder_add_value (&builder, new_part (row));
  for (gsize i = 0; findings != NULL && i < g_variant_n_children (findings); i++) {
    g_autoptr (GVariant) finding = g_variant_get_child_value (findings, i);

    g_variant_builder_add_value (&builder, finding);
  }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}
