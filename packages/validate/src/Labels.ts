/**
 * Labels: what is wrong with the outcomes that a model is to learn. {@link audit} looks at the table,
 * {@link drift} at two of them, {@link suspects} at single labels, {@link agreement} at the people who gave
 * them.
 */
export { audit, type AuditError, type AuditOptions, LabelAudit, NoLabels } from "./LabelAudit.ts";
export {
  type Agreed,
  agreement,
  type AgreementError,
  type AgreementOptions,
  AgreementReport,
  AnnotatorsDisagree,
  consensusOf,
  NoRatings,
} from "./LabelAgreement.ts";
export { drift, type LabelDriftOptions } from "./LabelDrift.ts";
export {
  OtherTable,
  type Reviewed,
  reviewOf,
  suspects,
  type SuspectsError,
  type SuspectsOptions,
  type SuspectsStage,
} from "./LabelReview.ts";
