-- Rows are a failure: the model's sum differs from that of the lines.
with lines as (
    select sum(case CLM_ADJSMT_TYPE_CD when '1' then -CLM_LINE_CVRD_PD_AMT else CLM_LINE_CVRD_PD_AMT end) as paid
    from {{ source('cclf', 'CCLF5') }}
),

claims as (select sum(paid) as paid from {{ ref('paid_claims') }} where part = 'B')

select lines.paid as of_lines, claims.paid as of_claims from lines, claims where lines.paid is distinct from claims.paid
