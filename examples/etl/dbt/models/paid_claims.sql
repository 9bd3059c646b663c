-- One row a claim, of parts A and B: part A pays by claim, part B by line. Cancellations (type 1) take back what they repeat, so
-- the sums hold for `--adjustments final` and for `--adjustments cclf-pairs`.
with rows as (
    select 'A' as part, CUR_CLM_UNIQ_ID as claim, BENE_MBI_ID as beneficiary, CLM_FROM_DT as day,
        CLM_ADJSMT_TYPE_CD as adjustment, CLM_PMT_AMT as paid
    from {{ source('cclf', 'CCLF1') }}
    union all
    select 'B', CUR_CLM_UNIQ_ID, BENE_MBI_ID, CLM_FROM_DT, CLM_ADJSMT_TYPE_CD, CLM_LINE_CVRD_PD_AMT
    from {{ source('cclf', 'CCLF5') }}
)

select
    part, claim, beneficiary, min(day) as from_day,
    sum(case adjustment when '1' then -paid else paid end) as paid
from rows
group by part, claim, beneficiary
